"""Check a folder of deliveries: verifier.py FOLDER

The folder holds the documents (*.xml), manifests.jsonl, keys.json, catalogue.json and, for the schema, the XSD that the
documents name (leverans-1.0.xsd). Each fault is named by a code that receipts.md explains. It exits with 0 if all
holds, 1 if something does not, 2 if what was checked holds but the schema was not checked, 3 if nothing could be.

Python 3.9 or newer with `cryptography`; `lxml` for the schema. One file, to be copied, read and changed.
"""

import argparse
import collections
import datetime
import hashlib
import json
import os
import pathlib
import re
import sqlite3
import sys
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from decimal import Decimal
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

try:
    from lxml import etree
except ImportError:
    etree = None

NAMESPACE = "urn:lefi:prenumeration:leverans:1"
LEAVES = {"string", "integer", "decimal", "boolean", "date", "datetime"}
KINDS = {
    "lefi-manifest+jws": "manifest",
    "lefi-tombstone+jws": "tombstone",
    "lefi-acknowledgement+jws": "acknowledgement",
}
TIMES = {"manifest": "released_at", "tombstone": "recalled_at", "acknowledgement": "acknowledged_at"}
# What a document's head says, and what its manifest calls it.
HEAD = {
    "organisationsnummer": "organisation_number",
    "enhet": "unit",
    "avtal": "agreement",
    "andamal": "purpose",
    "lopnummer": "number",
    "foregaende": "previous_sha256",
    "korning": "run",
    "beslutsdag": "day",
    "tillImport": "as_of_import",
    "tillLagandring": "as_of_law",
    "avslutar": "final",
}
NAMED = re.compile(r"(?:lefi-\d+-)?0*(\d+)\.xml")
DECIMAL = re.compile(r"[+-]?[0-9]{0,40}\.?[0-9]{0,40}")
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
CHUNK = 1 << 20
DEEPEST = 64  # elements within elements
LARGEST = 64 << 20  # characters of one person
SHOWN = 20  # faults of one code that are told one by one
ENDS = {expat.errors.codes[text] for text in (expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN,
                                              expat.errors.XML_ERROR_PARTIAL_CHAR)}  # fmt: skip


class CannotRunError(Exception):
    """What the check needs is not there or cannot be read."""


class FaultError(Exception):
    """A statement or a document that is not what it should be."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


class Faults:
    """The faults found: all are counted, the first of each code are kept."""

    def __init__(self):
        self.kept = []
        self.counts: collections.Counter = collections.Counter()

    def add(self, code, sentence, number=None, file=None):
        self.counts[code] += 1
        if self.counts[code] <= SHOWN:
            self.kept.append({"code": code, "delivery": number, "file": file, "sentence": sentence})


# Statements: JWS in compact form


class Statement:
    """A manifest, tombstone or acknowledgement: what it says, and what the next one calls it. Not yet believed."""

    def __init__(self, jws):
        self.sha256 = hashlib.sha256(jws.encode()).hexdigest()
        self.signed, _, signature = jws.rpartition(".")
        header, _, payload = self.signed.partition(".")
        self.header, self.said = json_of(header), json_of(payload)
        self.signature = bytes_of(signature)
        self.kind = KINDS.get(self.header.get("typ"))
        self.good = False
        if self.kind is None:
            raise FaultError("FORM", "a statement of no known kind")
        try:
            self.number, self.stream = int(self.said["number"]), int(self.said["stream"])
            self.at = datetime.datetime.fromisoformat(self.said[TIMES[self.kind]])
            self.previous = "" if self.kind == "acknowledgement" else str(self.said["previous"])
        except (KeyError, TypeError, ValueError):
            raise FaultError("FORM", "a statement lacks what it should say") from None


def bytes_of(segment):
    """Base64url without padding, in its one form. Raise FaultError."""
    if BASE64URL.fullmatch(segment) and len(segment) % 4 != 1:
        found = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        if urlsafe_b64encode(found).rstrip(b"=").decode() == segment:
            return found
    raise FaultError("FORM", "a line that is no JWS")


def json_of(segment):
    try:
        found = json.loads(bytes_of(segment))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FaultError("FORM", "a line that is no JWS")
    return found


class Key:
    """A published key, and the time in which it signs."""

    def __init__(self, jwk):
        self.public = Ed25519PublicKey.from_public_bytes(bytes_of(jwk["x"]))
        times = ("signs_from", "signs_to", "withdrawn_at")
        self.begins, self.ends, self.withdrawn = (
            datetime.datetime.fromisoformat(jwk[name]) if jwk.get(name) else None for name in times
        )

    def signs_at(self, at):
        last = min((one for one in (self.ends, self.withdrawn) if one), default=None)
        return self.begins <= at and (last is None or at < last)


def keys_in(path):
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["keys"]
        return {one["kid"]: Key(one) for one in listed if one.get("crv") == "Ed25519"}
    except (OSError, ValueError, KeyError, TypeError, FaultError) as error:
        raise CannotRunError(f"{path.name} cannot be read as a set of keys") from error


def believe(statement, keys):
    """Mark a statement as good, or raise FaultError with SIGNATURE, KEY_UNKNOWN or KEY_TIME."""
    key = keys.get(statement.header.get("kid"))
    if key is None:
        raise FaultError("KEY_UNKNOWN", "signed by a key that is not published")
    if statement.header.get("alg") != "EdDSA" or "crit" in statement.header:
        raise FaultError("SIGNATURE", "not signed as statements are")
    try:
        key.public.verify(statement.signature, statement.signed.encode())
    except InvalidSignature:
        raise FaultError("SIGNATURE", "the signature is not the key's") from None
    if not key.signs_at(statement.at):
        raise FaultError("KEY_TIME", "signed at a time when the key does not sign")
    statement.good = True


class Chain:
    """A stream's statements, each checked alone and against the one before it."""

    def __init__(self, keys, faults, stream=None):
        self.keys, self.faults, self.stream = keys, faults, stream
        self.statements, self.manifests, self.tombstones = [], {}, {}
        self.numbers, self.missing, self.acknowledgements = set(), set(), 0
        self.previous = ""

    def take(self, line):
        try:
            said = json.loads(line)
            statement = Statement(said["jws"] if isinstance(said, dict) else said)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.faults.add("FORM", "a line of manifests.jsonl that is no statement")
            return
        except FaultError as fault:
            self.faults.add(fault.code, fault.sentence)
            return
        self._judge(statement)

    def _judge(self, statement):
        number = statement.number
        try:
            believe(statement, self.keys)
        except FaultError as fault:
            self.faults.add(fault.code, f"{statement.kind}: {fault.sentence}", number)
        if statement.good and self.stream is None:
            self.stream = statement.stream
        if self.stream not in (None, statement.stream):
            self.faults.add("OTHER_STREAM", f"a {statement.kind} of stream {statement.stream}", number)
            return
        if statement.kind == "acknowledgement":
            self._acknowledgement(statement)
            return
        if statement.previous != self.previous:
            self.faults.add("CHAIN", f"the {statement.kind} does not follow the statement before it", number)
        self.previous = statement.sha256
        self.statements.append(statement)
        if statement.kind == "manifest":
            self._manifest(statement)
        else:
            self._tombstone(statement)

    def _manifest(self, statement):
        number = statement.number
        if number in self.numbers:
            self.faults.add("DUPLICATE", "two manifests of one number", number)
            return
        self.numbers.add(number)
        before = self.manifests.get(number - 1)
        if before is not None and statement.said.get("previous_sha256") != before.said.get("sha256"):
            self.faults.add("CHAIN", "the manifest names another document before its own", number)
        if statement.good:
            self.manifests[number] = statement

    def _tombstone(self, statement):
        manifest = self.manifests.get(statement.number)
        if not statement.good:
            return
        said = statement.said
        if manifest is None or (said.get("manifest_sha256"), said.get("sha256")) != (
            manifest.sha256,
            manifest.said.get("sha256"),
        ):
            self.faults.add("TOMBSTONE", "a tombstone of what was never released", statement.number)
            return
        self.tombstones[statement.number] = statement

    def _acknowledgement(self, statement):
        self.acknowledgements += 1
        if not statement.good:
            return
        manifest = self.manifests.get(statement.number)
        own = manifest is not None and manifest.sha256 == statement.said.get("manifest_sha256")
        if not own or statement.number in self.tombstones:
            self.faults.add("ACKNOWLEDGEMENT", "an acknowledgement of another manifest", statement.number)
        if self.keys[statement.header["kid"]].withdrawn:
            self.faults.add("KEY_WITHDRAWN", "acknowledge anew: its key has been withdrawn", statement.number)

    def finish(self, newest):
        """Look at the whole: numbers that are missing, and withdrawn keys that no later statement speaks for."""
        self.missing = set(range(1, max([newest, *self.numbers]) + 1)) - self.numbers
        for number in sorted(self.missing):
            self.faults.add("GAP", "there is no manifest of this number", number)
        withdrawn = [one.good and self.keys[one.header["kid"]].withdrawn for one in self.statements]
        trusted = max((at for at, one in enumerate(self.statements) if one.good and not withdrawn[at]), default=-1)
        for place, one in enumerate(self.statements):
            if withdrawn[place] and place > trusted:
                self.faults.add("KEY_WITHDRAWN", f"{one.kind}: its key is withdrawn, and nothing after it", one.number)


# The digest: docs/digest.md


class Field:
    """A field of the catalogue, with the fields below it."""

    def __init__(self, catalogue, spec):
        self.name, self.kind = spec["name"], spec["type"]
        self.many, self.ordered = bool(spec.get("many")), bool(spec.get("ordered"))
        self.leaf = self.kind in LEAVES
        self.children = [] if self.leaf else fields_of(catalogue, spec)


def fields_of(catalogue, spec):
    specs = spec.get("fields") or catalogue["structures"][spec.get("structure") or spec["type"]]
    return [Field(catalogue, one) for one in specs]


def text_of(kind, value):
    if kind == "boolean":
        return "true" if value in ("true", "1") else "false"
    if kind == "integer":
        return str(int(value))
    if kind == "decimal":
        if not DECIMAL.fullmatch(value):
            raise ValueError("no decimal that is written plainly")
        text = format(Decimal(value), "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in ("-0", "") else text
    return value


def content_of(fields, element):
    """An item as a dict, its leaves as text."""
    by_name: dict = {}
    for child in element:
        by_name.setdefault(child.tag, []).append(child)
    found = {}
    for field in fields:
        values = [
            one.text or "" if field.leaf else content_of(field.children, one) for one in by_name.pop(field.name, [])
        ]
        if values:
            found[field.name] = values if field.many else values[0]
    if by_name:
        raise FaultError("STATE", "an item has a field that the catalogue does not know")
    return found


def relative(field, value):
    if field.leaf:
        text = unicodedata.normalize("NFC", text_of(field.kind, value))
        return ["=" + text.replace("\\", "\\\\").replace("\n", "\\n")]
    return ["." + line for line in lines(field.children, value)]


def lines(fields, item):
    found = []
    for field in fields:
        value = item.get(field.name)
        if value is None:
            continue
        if not field.many:
            found += [field.name + line for line in relative(field, value)]
            continue
        every = [one for one in (relative(field, element) for element in value) if one]
        every = every if field.ordered else sorted(every, key="\n".join)
        found += [f"{field.name}[{place}]{line}" for place, one in enumerate(every, 1) for line in one]
    return found


def sha256(found):
    return hashlib.sha256("".join(line + "\n" for line in found).encode()).hexdigest()


def block_digest(section, digests):
    return sha256([f"sektion={section}", *sorted(digests)])


# Documents, a person at a time


class EnoughError(Exception):
    """The head has been read, and nothing else was asked for."""


class Document:
    """Reads one document in bounded memory: its head, its persons one by one, its counts, its hash and its size.

    `take` gets each person; without it, reading ends after the head.
    """

    def __init__(self, path, take=None):
        self.path, self.take = path, take
        self.version, self.head, self.counts, self.fault = "", None, {}, None
        self.hash, self.size, self.persons, self.blocks = hashlib.sha256(), 0, 0, 0
        self._open, self._builder, self._letters = [], None, 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self):
        """Read to the end, or as far as can be read; what is wrong is in `fault`. The hash is that of all of it."""
        with open(self.path, "rb") as file:
            while chunk := file.read(CHUNK):
                self.hash.update(chunk)
                self.size += len(chunk)
                self._parse(chunk)
                if self.take is None and (self.head is not None or self.fault is not None):
                    return self
        self._parse(b"", last=True)
        return self

    def _parse(self, chunk, last=False):
        if self.fault is not None:
            return
        try:
            self._parser.Parse(chunk, last)
        except EnoughError:
            return
        except FaultError as fault:
            self.fault = fault
        except expat.ExpatError as error:
            cut = last and error.code in ENDS
            words = "cut off before its end" if cut else f"not well-formed at line {error.lineno}"
            self.fault = FaultError("TRUNCATED" if cut else "NOT_XML", f"the document is {words}")

    def _doctype(self, *_):
        raise FaultError("DOCTYPE", "the document has a DOCTYPE")

    def _start(self, name, attributes):
        namespace, _, tag = name.rpartition("}")
        if namespace != NAMESPACE:
            raise FaultError("SCHEMA", "an element of another namespace")
        self._open.append(tag)
        if len(self._open) > DEEPEST:
            raise FaultError("SCHEMA", "elements within elements without end")
        if len(self._open) == 1:
            self.version = attributes.get("schemaversion", "")
        if self._builder is None and self._whole():
            self._builder, self._letters = TreeBuilder(), 0
        if self._builder is not None:
            self._grow(len(tag) + sum(map(len, attributes.values())) + 64)
            self._builder.start(tag, attributes)

    def _whole(self):
        """Whether the element that has just begun is one that is looked at whole."""
        way = self._open
        if len(way) == 2:
            return way[1] in ("generelltfalt", "slutfalt")
        return len(way) == 3 and way[1:] == ["informationsfalt", "person"]

    def _text(self, text):
        if self._builder is not None:
            self._grow(len(text))
            self._builder.data(text)

    def _grow(self, letters):
        self._letters += letters
        if self._letters > LARGEST:
            raise FaultError("SCHEMA", "one person holds more than a document can")

    def _end(self, name):
        if self._builder is not None:
            self._builder.end(name.rpartition("}")[2])
            if self._whole():
                element, self._builder = self._builder.close(), None
                self._seen(element)
        self._open.pop()

    def _seen(self, element):
        if element.tag == "generelltfalt":
            self.head = {one.tag: one.text or "" for one in element}
            if self.take is None:
                raise EnoughError
        elif element.tag == "slutfalt":
            self.counts = {one.tag: one.text or "" for one in element}
        else:
            self.persons += 1
            self.blocks += len(element.findall("block"))
            if self.take is not None:
                self.take(element)


def number_of(document):
    text = (document.head or {}).get("lopnummer", "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


# The fold: docs/delivery.md


class Fold:
    """What a receiver holds: for each watch and section the block last told, in a temporary database on disk."""

    def __init__(self, catalogue, faults, keep_items):
        self.catalogue, self.faults, self.keep_items = catalogue, faults, keep_items
        self.sections, self.number, self.whole = {}, None, True
        self.rows = sqlite3.connect("", isolation_level=None)
        self.rows.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768; PRAGMA temp_store=FILE;"
            "CREATE TABLE held (watch INTEGER, section TEXT, digest TEXT, items TEXT, PRIMARY KEY (watch, section))"
            " WITHOUT ROWID;"
            "CREATE TABLE watch (watch INTEGER PRIMARY KEY, person TEXT, benefit TEXT);"
            "BEGIN;"
        )

    def person(self, element):
        blocks, statuses = element.findall("block"), element.findall("statusBestallning")
        for block in blocks:
            self._before(block)
        self._forget(one for one in statuses if one.findtext("kundStatus") == "1")
        for block in blocks:
            try:
                self._replace(element.findtext("personnummer") or "", block)
            except FaultError as fault:
                self._fault(block, fault.sentence)
            except (ValueError, ArithmeticError):
                self._fault(block, "an item holds a value that is none of its kind")
        self._forget(one for one in statuses if one.findtext("kundStatus") != "1")

    def end(self):
        """The stream has ended: nothing is held any more."""
        self.rows.execute("DELETE FROM held")

    def _before(self, block):
        if not self.whole:
            return
        section = block.get("sektion", "")
        found = self.rows.execute("SELECT digest FROM held WHERE watch = ? AND section = ?", (watch_of(block), section))
        held = found.fetchone()
        if block.get("fore") != (held[0] if held else block_digest(section, [])):
            self._fault(block, "the block builds on another state than the one told")

    def _forget(self, statuses):
        self.rows.executemany("DELETE FROM held WHERE watch = ?", [(watch_of(one),) for one in statuses])

    def _replace(self, person, block):
        section, watch = block.get("sektion", ""), watch_of(block)
        items, digests = [], []
        fields = self._fields(section)
        for element in block.findall(section):
            content = content_of(fields, element)
            digests.append(sha256(lines(fields, content)))
            if element.get("id", "").split("-")[0] != digests[-1]:
                self._fault(block, "an item is not what its id says")
            if self.keep_items:
                items.append({"id": element.get("id"), "content": content})
        if block.get("efter") != block_digest(section, digests):
            self._fault(block, "the block is not what its digest says")
        text = json.dumps(items, ensure_ascii=False) if self.keep_items else ""
        self.rows.execute("INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", (watch, section, block.get("efter"), text))
        self.rows.execute("INSERT OR REPLACE INTO watch VALUES (?, ?, ?)", (watch, person, block.get("forman")))

    def _fields(self, section):
        if section not in self.sections:
            spec = self.catalogue["sections"].get(section)
            if spec is None:
                raise FaultError("STATE", "a section that the catalogue does not know")
            self.sections[section] = fields_of(self.catalogue, spec)
        return self.sections[section]

    def _fault(self, block, why):
        place = f"watch {block.get('bevakning')}, {block.get('sektion')}"
        self.faults.add("STATE", f"{place}: {why}", self.number)

    def count(self):
        return self.rows.execute("SELECT COUNT(DISTINCT watch), COUNT(*) FROM held").fetchone()

    def write(self, path):
        """Write what is held as JSON Lines, in a file that its owner alone may read."""
        query = (
            "SELECT person, watch, benefit, section, digest, items FROM held JOIN watch USING (watch)"
            " ORDER BY person, watch, section"
        )
        unfinished = f"{path}.unfinished"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for person, watch, benefit, section, digest, items in self.rows.execute(query):
                said = {"person": person, "watch": watch, "benefit": benefit, "section": section, "digest": digest}
                file.write(json.dumps({**said, "items": json.loads(items)}, ensure_ascii=False) + "\n")
        os.replace(unfinished, path)


def watch_of(element):
    text = element.get("bevakning", "")
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else 0


# The schema


class Schemas:
    """The XSDs in the folder, by the version that a document names."""

    def __init__(self, folder, wanted):
        self.folder, self.wanted, self.loaded = folder, wanted, {}
        self.unchecked = "" if wanted else "not asked for"
        if wanted and etree is None:
            self.unchecked = "lxml is not installed"

    def check(self, path, version):
        """Return where a document breaks its schema, or "" if it does not or cannot be checked."""
        if not self.wanted or etree is None:
            return ""
        schema = self._of(version)
        if schema is None:
            self.unchecked = f"leverans-{version}.xsd is not in the folder"
            return ""
        try:
            walk = etree.iterparse(
                str(path),
                tag=[f"{{{NAMESPACE}}}person", f"{{{NAMESPACE}}}rad"],
                schema=schema,
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=True,
            )
            for _, element in walk:
                parent = element.getparent()
                if etree.QName(parent).localname in ("informationsfalt", "bestallning"):
                    element.clear()
                    while element.getprevious() is not None:
                        del parent[0]
        except etree.XMLSyntaxError as error:
            return f"the document breaks its schema at line {error.lineno}" if error.lineno else "it breaks its schema"
        return ""

    def _of(self, version):
        if version not in self.loaded:
            path = self.folder / f"leverans-{version}.xsd"
            known = re.fullmatch(r"[0-9.]{1,20}", version) and path.is_file()
            self.loaded[version] = etree.XMLSchema(etree.parse(str(path))) if known else None
        return self.loaded[version]


# The folder as a whole


class Check:
    """Checks a folder from its keys to its state."""

    def __init__(self, options):
        self.folder = options.folder
        self.faults = Faults()
        self.schemas = Schemas(self.folder, not options.no_schema)
        catalogue = loaded(self.folder / "catalogue.json")
        self.chain = Chain(keys_in(options.keys or self.folder / "keys.json"), self.faults, options.stream)
        self.fold = Fold(catalogue, self.faults, bool(options.state))
        self.newest, self.documents, self.read = options.newest, {}, 0

    def run(self):
        self._statements()
        self._find_documents()
        for number in sorted(self.chain.numbers | self.chain.missing | self.documents.keys()):
            if number in self.chain.numbers:
                self._delivery(number)
            else:
                self._unsigned(number)

    def _statements(self):
        path = self.folder / "manifests.jsonl"
        try:
            with open(path, encoding="utf-8") as file:
                for line in file:
                    self.chain.take(line)
        except (OSError, UnicodeDecodeError) as error:
            raise CannotRunError("manifests.jsonl cannot be read") from error
        if not self.chain.numbers:
            raise CannotRunError("manifests.jsonl holds no manifest")
        self.chain.finish(self.newest)

    def _find_documents(self):
        for path in sorted(self.folder.glob("*.xml")):
            document = Document(path).read()
            number = number_of(document)
            if number is None:
                fault = document.fault or FaultError("NOT_XML", "the document does not say its number")
                self.faults.add(fault.code, fault.sentence, file=path.name)
                continue
            named = NAMED.fullmatch(path.name)
            if named and int(named[1]) != number:
                self.faults.add("NAME", "the file is called by another number than the document's", number, path.name)
            if number in self.documents:
                self.faults.add("DUPLICATE", "two documents of one number", number, path.name)
            else:
                self.documents[number] = path

    def _unsigned(self, number):
        """A number without a manifest: what it told is not believed, and what builds on it cannot be compared."""
        self.fold.whole = False
        if number in self.documents:
            self.faults.add("UNSIGNED", "a document without a manifest", number, self.documents[number].name)

    def _delivery(self, number):
        path, recalled = self.documents.get(number), number in self.chain.tombstones
        if recalled:
            if path is not None:
                self.faults.add("RECALLED_PRESENT", "a document that was recalled: never fold it", number, path.name)
            return
        if path is None:
            self.faults.add("GAP", "there is no document of this number", number)
            self.fold.whole = False
            return
        self.fold.number = number
        document = Document(path, self.fold.person).read()
        self.read += 1
        if document.fault is not None:
            self.faults.add(document.fault.code, document.fault.sentence, number, path.name)
            self.fold.whole = False
        else:
            broken = self.schemas.check(path, document.version)
            if broken:
                self.faults.add("SCHEMA", broken, number, path.name)
        if number in self.chain.manifests:
            self._against_manifest(document, self.chain.manifests[number].said)
        if (document.head or {}).get("avslutar") == "true":
            self.fold.end()

    def _against_manifest(self, document, said):
        number, name = said["number"], document.path.name
        if document.size != said.get("size"):
            self.faults.add("SIZE", f"{document.size} bytes, and {said.get('size')} were released", number, name)
        if document.hash.hexdigest() != said.get("sha256"):
            self.faults.add("HASH", "the document is not the one that was released", number, name)
        head = {ours: (document.head or {}).get(theirs, "") for theirs, ours in HEAD.items()}
        head["schema_version"] = document.version
        wrong = [ours for ours, text in head.items() if text != written(said.get(ours))]
        if document.fault is None:
            counts = {"persons": ("personer", document.persons), "blocks": ("block", document.blocks)}
            for ours, (theirs, counted) in counts.items():
                if not document.counts.get(theirs) == str(counted) == written(said.get(ours)):
                    wrong.append(ours)
        if wrong:
            self.faults.add("HEAD", f"head and manifest differ in {', '.join(wrong)}", number, name)

    def summary(self):
        watches, blocks = self.fold.count()
        verdict = "faults" if self.faults.counts else "incomplete" if self._left_out() else "holds"
        return {
            "verdict": verdict,
            "stream": self.chain.stream,
            "manifests": len(self.chain.numbers),
            "tombstones": len(self.chain.tombstones),
            "acknowledgements": self.chain.acknowledgements,
            "documents": self.read,
            "watches": watches,
            "blocks": blocks,
            "schema": f"NOT CHECKED: {self.schemas.unchecked}" if self.schemas.unchecked else "checked",
            "fault_counts": dict(sorted(self.faults.counts.items())),
            "faults": self.faults.kept,
        }

    def _left_out(self):
        return self.schemas.wanted and self.schemas.unchecked


def written(value):
    """A manifest's value as a document writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def loaded(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotRunError(f"{path.name} cannot be read") from error


def told(summary):
    """The summary as lines for people."""
    yield (
        f"stream {summary['stream']}: {summary['manifests']} manifests, {summary['tombstones']} recalled, "
        f"{summary['documents']} documents, {summary['acknowledgements']} acknowledgements"
    )
    yield f"state: {summary['blocks']} blocks of {summary['watches']} watches"
    yield f"schema: {summary['schema']}"
    for fault in summary["faults"]:
        place = f" delivery {fault['delivery']}" if fault["delivery"] else ""
        yield f"{fault['code']}{place}{' ' + fault['file'] if fault['file'] else ''}: {fault['sentence']}"
    for code, count in summary["fault_counts"].items():
        if count > SHOWN:
            yield f"{code}: {count} in all"
    yield {"holds": "ALL HOLDS", "incomplete": "NOT ALL WAS CHECKED", "faults": "FAULTS"}[summary["verdict"]]


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(3, f"{message}\n")


def arguments():
    parser = Arguments(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--keys", type=pathlib.Path, help="keys.json elsewhere, such as where it was fetched over TLS")
    parser.add_argument("--stream", type=int, help="the stream that it should be")
    parser.add_argument("--newest", type=int, default=0, help="the newest number that the API lists")
    parser.add_argument("--state", metavar="FILE", help="write the state as JSON Lines, if there is no fault")
    parser.add_argument("--no-schema", action="store_true", help="do not check the schema, and do not miss it")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser.parse_args()


def main():
    options = arguments()
    try:
        check = Check(options)
        check.run()
    except CannotRunError as error:
        print(f"cannot check: {error}", file=sys.stderr)  # noqa: T201
        return 3
    summary = check.summary()
    if options.state and not summary["faults"]:
        check.fold.write(options.state)
    text = json.dumps(summary, ensure_ascii=False, indent=1) if options.json else "\n".join(told(summary))
    print(text)  # noqa: T201
    return {"holds": 0, "faults": 1, "incomplete": 2}[summary["verdict"]]


if __name__ == "__main__":
    sys.exit(main())
