"""The program for partners: it believes a folder of true deliveries, and names what has been done to any other.

It is run as a partner runs it: a copy of its own, in an empty environment, with nothing of the project within reach.
"""

import hashlib
import json
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from deliveries import jws, services, storage
from deliveries.models import Delivery, SigningKey, Told
from deliveries.receipts import exported
from deliveries.schema import current
from deliveries.signing_keys import announce, place_of, published
from subscriptions.models import Stream
from subscriptions.models.orders import OrderKind
from tests.histories.sources import SJP, sickness
from tests.histories.world import World, world

pytestmark = pytest.mark.django_db
PROGRAM = Path(settings.BASE_DIR) / "docs" / "verifier.py"
CATALOGUE = Path(settings.BASE_DIR) / "benefits" / "catalogue.json"
WITHOUT_LXML = """\
import runpy, sys
sys.modules["lxml"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
CASES = "sjukpenningarende"
verifier = runpy.run_path(str(PROGRAM))


@dataclass
class Folder:
    """What a partner has, and beside it the private keys that a partner never has."""

    path: Path
    private: dict[str, Ed25519PrivateKey]

    def file(self, number: int) -> Path:
        return self.path / f"{number}.xml"

    def replace(self, number: int, old: str, new: str) -> None:
        """Change the first place of a document that says something, keeping the file's length if the texts do."""
        text = self.file(number).read_text(encoding="utf-8")
        assert old in text
        self.file(number).write_text(text.replace(old, new, 1), encoding="utf-8")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.path / "manifests.jsonl").read_text().splitlines()]

    @lines.setter
    def lines(self, lines: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (self.path / "manifests.jsonl").write_text(text)

    def place(self, kind: str, number: int) -> int:
        return next(at for at, one in enumerate(self.lines) if (one["kind"], one["number"]) == (kind, number))

    def said(self, kind: str, number: int) -> dict[str, Any]:
        return jws.payload_of(self.lines[self.place(kind, number)]["jws"])

    def kid(self, kind: str, number: int) -> str:
        return header_of(self.lines[self.place(kind, number)]["jws"])["kid"]

    def put(self, place: int, statement: str) -> None:
        lines = self.lines
        lines[place]["jws"] = statement
        self.lines = lines

    def sign(self, kind: str, said: dict[str, Any], kid: str) -> str:
        return jws.signed(said, kind=f"lefi-{kind}+jws", kid=kid, private=self.private[kid])

    def sign_again(self, **changes: dict[str, Any]) -> None:
        """Sign all statements anew, true to the documents as they now are, as only who holds the keys can.

        `changes` are what the first statements of some kinds are to say instead.
        """
        renamed = self._rehashed()
        for place, line in enumerate(self.lines):
            said = jws.payload_of(line["jws"]) | changes.pop(line["kind"], {})
            said = {name: renamed.get(str(value), value) for name, value in said.items()}
            document = self.file(line["number"])
            if line["kind"] == "manifest" and document.exists():
                said["size"] = document.stat().st_size
            statement = self.sign(line["kind"], said, header_of(line["jws"])["kid"])
            renamed[jws.digest(line["jws"])] = jws.digest(statement)
            self.put(place, statement)

    def _rehashed(self) -> dict[str, str]:
        """Let each document name the one before it as it now is; return what each hash has become."""
        renamed: dict[str, str] = {}
        for line in self.lines:
            document = self.file(line["number"])
            if line["kind"] == "manifest" and document.exists():
                text = document.read_text(encoding="utf-8")
                for old, new in renamed.items():
                    text = text.replace(old, new)
                document.write_text(text, encoding="utf-8")
                renamed[jws.payload_of(line["jws"])["sha256"]] = hashlib.sha256(text.encode()).hexdigest()
        return renamed

    def keys(self, change: Callable[[list[dict[str, Any]]], None]) -> None:
        path = self.path / "keys.json"
        listed = json.loads(path.read_text())
        change(listed["keys"])
        path.write_text(json.dumps(listed))


def header_of(statement: str) -> dict[str, Any]:
    return jws.payload_of(f".{statement.split('.', maxsplit=1)[0]}.")


def check(folder: Path, *options: str, program: tuple[str, ...] = ()) -> tuple[int, dict[str, Any]]:
    """Run the program in an empty environment; return how it exited, and what it said."""
    copy = folder.parent / "verifier.py"
    shutil.copy(PROGRAM, copy)
    ran = subprocess.run(
        [sys.executable, "-I", *program, str(copy), str(folder), "--json", *options],
        env={},
        cwd=folder.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 3 or not ran.stderr, ran.stderr
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else {"error": ran.stderr}


def tell(made: World) -> None:
    """Five deliveries of the first stream under two keys: the fourth recalled, all others fetched and acknowledged."""
    people, stream = made.sources.people, made.streams[0]
    for person in range(3):
        people[person].items(CASES).append(sickness(made.day - timedelta(days=30), 9 + person))
        made.watch(stream, person, SJP)
    made.sources.hand_over(made.now, *people)
    made.night()
    people[0].items(CASES).append(sickness(made.day - timedelta(days=5), 3))
    people[1].items(CASES).append(people[1].items(CASES)[0])
    made.sources.hand_over(made.now, *people)
    made.night()
    take_in(made, stream)
    announce(signs_from=made.day + timedelta(days=14), at=made.now)
    made.next_day(14)
    made.order(stream, OrderKind.CANCEL, people[1].number, SJP)
    made.night()
    take_in(made, stream)
    people[2].items(CASES).append(sickness(made.day - timedelta(days=2), 7))
    made.sources.hand_over(made.now, people[2])
    made.night()
    people[2].protection = "SKYDDAD_FOLKBOKFORING"
    made.sources.hand_over(made.now, people[2], only=[])
    services.recall_what_may_no_longer_be_told(made.now)
    people[0].sections[CASES].pop()
    made.sources.hand_over(made.now, people[0])
    made.night()
    take_in(made, stream)


def take_in(made: World, stream: Stream) -> None:
    for delivery in Delivery.objects.standing().filter(stream=stream, first_fetched_at=None).order_by("number"):
        services.fetch(delivery=delivery, at=made.now, client="skadesystemet")
        services.acknowledge(
            delivery=delivery, manifest_sha256=delivery.manifest.sha256, at=made.now, client="skadesystemet"
        )


def hand_over(stream: Stream, path: Path) -> None:
    """Put what a partner fetches in a folder."""
    path.mkdir()
    for delivery in Delivery.objects.standing().filter(stream=stream):
        shutil.copy(storage.place_of(delivery.sha256), path / f"{delivery.number}.xml")
    (path / "manifests.jsonl").write_text("".join(exported(stream)))
    (path / "keys.json").write_text(json.dumps(published()))
    (path / "leverans-1.0.xsd").write_text(current(), encoding="utf-8")
    shutil.copy(CATALOGUE, path / "catalogue.json")


@dataclass
class Handed:
    """The folder as it was handed over, one of another stream, and what the register says was told."""

    folder: Path
    other: Path
    private: dict[str, Ed25519PrivateKey]
    told: set[tuple[int, str, str]]


@pytest.fixture(scope="module")
def handed(tmp_path_factory, django_db_setup, django_db_blocker) -> Iterator[Handed]:
    """What a small world has handed over; nothing of it is left in the database."""
    root = tmp_path_factory.mktemp("partner")
    places = {"DOCUMENTS_DIR": root / "documents", "ORDERS_DIR": root / "orders", "SIGNING_KEYS_DIR": root / "keys"}
    with django_db_blocker.unblock(), override_settings(**places), transaction.atomic():
        with world(root, persons=4) as made:
            tell(made)
        hand_over(made.streams[0], root / "folder")
        hand_over(made.streams[2], root / "other")
        private = {
            key.kid: load_pem_private_key(place_of(key.kid).read_bytes(), None) for key in SigningKey.objects.all()
        }
        rows = Told.objects.filter(watch__stream=made.streams[0], replaced_by=None, section__in=["person", CASES])
        told = set(rows.values_list("watch_id", "section", "digest"))
        transaction.set_rollback(True)
    yield Handed(root / "folder", root / "other", private, told)


@pytest.fixture
def folder(handed, tmp_path) -> Folder:
    shutil.copytree(handed.folder, tmp_path / "folder")
    return Folder(tmp_path / "folder", handed.private)


def test_true_deliveries_hold(folder):
    code, said = check(folder.path)

    assert (code, said["verdict"], said["faults"]) == (0, "holds", [])
    assert {name: said[name] for name in ("manifests", "tombstones", "documents", "acknowledgements")} == {
        "manifests": 5,
        "tombstones": 1,
        "documents": 4,
        "acknowledgements": 4,
    }
    assert said["schema"] == "checked"
    assert len({folder.kid("manifest", number) for number in range(1, 6)}) == 2


def test_the_state_is_what_was_told_and_not_taken_back(folder, handed, tmp_path):
    code, _ = check(folder.path, "--state", str(tmp_path / "state.jsonl"))
    state = [json.loads(line) for line in (tmp_path / "state.jsonl").read_text(encoding="utf-8").splitlines()]

    assert code == 0
    assert {(one["watch"], one["section"], one["digest"]) for one in state} == handed.told
    assert all(set(item) == {"id", "content"} for one in state for item in one["items"])
    assert (tmp_path / "state.jsonl").stat().st_mode & 0o777 == 0o600


def test_no_state_is_written_where_there_is_a_fault(folder, tmp_path):
    folder.file(2).unlink()

    code, _ = check(folder.path, "--state", str(tmp_path / "state.jsonl"))

    assert code == 1
    assert not (tmp_path / "state.jsonl").exists()


def test_files_may_be_called_anything_but_another_number(folder):
    folder.file(1).rename(folder.path / "from the spring.xml")
    folder.file(2).rename(folder.path / "lefi-17-00002.xml")

    assert check(folder.path)[0] == 0


@pytest.mark.parametrize(
    ("options", "program", "exits"),
    [((), ("-c", WITHOUT_LXML), 2), (("--no-schema",), ("-c", WITHOUT_LXML), 0), (("--no-schema",), (), 0)],
)
def test_without_lxml_it_says_that_the_schema_is_not_checked(folder, options, program, exits):
    code, said = check(folder.path, *options, program=program)

    assert code == exits
    assert said["schema"].startswith("NOT CHECKED")


def test_without_the_schema_of_a_document_it_says_so(folder):
    (folder.path / "leverans-1.0.xsd").unlink()

    assert check(folder.path)[0] == 2


@pytest.mark.parametrize("file", ["keys.json", "manifests.jsonl", "catalogue.json"])
def test_without_what_it_needs_it_checks_nothing(folder, file):
    (folder.path / file).unlink()

    code, said = check(folder.path)

    assert code == 3
    assert file in said["error"]


def changed_byte(folder: Folder) -> None:
    folder.replace(1, "<beslutsdag>2026-01-05", "<beslutsdag>2026-01-06")


def changed_content(folder: Folder) -> None:
    folder.replace(1, "<namnare>2</namnare>", "<namnare>4</namnare>")


def swapped_files(folder: Folder) -> None:
    folder.file(1).rename(folder.path / "spare")
    folder.file(2).rename(folder.file(1))
    (folder.path / "spare").rename(folder.file(2))


def missing_document(folder: Folder) -> None:
    folder.file(2).unlink()


def missing_manifest(folder: Folder) -> None:
    folder.lines = [one for one in folder.lines if (one["kind"], one["number"]) != ("manifest", 2)]


def missing_last(folder: Folder) -> None:
    """The newest delivery and all that was signed about it: only who asks the API for the newest number sees it."""
    folder.file(5).unlink()
    folder.lines = [one for one in folder.lines if one["number"] != 5]


def hash_without_key(folder: Folder) -> None:
    """A changed document, and a manifest that names its hash with the old signature."""
    changed_content(folder)
    place = folder.place("manifest", 1)
    header, _, signature = folder.lines[place]["jws"].split(".")
    own = hashlib.sha256(folder.file(1).read_bytes()).hexdigest()
    forged = jws.signed(
        folder.said("manifest", 1) | {"sha256": own}, kind="x", kid="x", private=Ed25519PrivateKey.generate()
    )
    folder.put(place, f"{header}.{forged.split('.')[1]}.{signature}")


def own_key(folder: Folder) -> None:
    """A manifest signed by a key of the forger's, which says that it is the service's."""
    place, kid = folder.place("manifest", 5), folder.kid("manifest", 5)
    forged = jws.signed(
        folder.said("manifest", 5), kind="lefi-manifest+jws", kid=kid, private=Ed25519PrivateKey.generate()
    )
    folder.put(place, forged)


def wrong_kid(folder: Folder) -> None:
    place = folder.place("manifest", 5)
    key = Ed25519PrivateKey.generate()
    folder.put(place, jws.signed(folder.said("manifest", 5), kind="lefi-manifest+jws", kid="2026-01-01-0", private=key))


def no_algorithm(folder: Folder) -> None:
    place = folder.place("manifest", 5)
    header, payload, _ = folder.lines[place]["jws"].split(".")
    none = jws.signed({}, kind="x", kid="x", private=Ed25519PrivateKey.generate())
    kid = folder.kid("manifest", 5)
    header = encoded({"alg": "none", "kid": kid, "typ": "lefi-manifest+jws"})
    folder.put(place, f"{header}.{payload}.{none.split('.')[2]}")


def encoded(value: dict[str, Any]) -> str:
    """A segment of a JWS."""
    return jws.signed(value, kind="x", kid="x", private=Ed25519PrivateKey.generate()).split(".")[1]


def old_key(folder: Folder) -> None:
    """The newest manifest, signed by the key whose time is over."""
    old = folder.kid("manifest", 1)
    folder.put(folder.place("manifest", 5), folder.sign("manifest", folder.said("manifest", 5), old))


def stolen_key(folder: Folder) -> None:
    """The key in force is withdrawn at the end: what it signed last has nothing after it to speak for it."""
    folder.keys(lambda keys: keys[-1].update(withdrawn_at="2030-01-01T00:00:00+00:00"))


def withdrawn_before(folder: Folder) -> None:
    kid = folder.kid("manifest", 5)
    folder.keys(lambda keys: [one.update(withdrawn_at=one["signs_from"]) for one in keys if one["kid"] == kid])


def cut_file(folder: Folder) -> None:
    data = folder.file(2).read_bytes()
    folder.file(2).write_bytes(data[: len(data) * 3 // 4])


def empty_file(folder: Folder) -> None:
    folder.file(2).write_bytes(b"")


def longer_file(folder: Folder) -> None:
    folder.file(2).write_bytes(folder.file(2).read_bytes() + b"\n")


def reordered(folder: Folder) -> None:
    lines = folder.lines
    one, two = folder.place("manifest", 1), folder.place("manifest", 2)
    lines[one], lines[two] = lines[two], lines[one]
    folder.lines = lines


def doubled_manifest(folder: Folder) -> None:
    folder.lines = [*folder.lines, folder.lines[folder.place("manifest", 2)]]


def doubled_document(folder: Folder) -> None:
    shutil.copy(folder.file(2), folder.path / "copy.xml")


def block_signed(folder: Folder) -> None:
    """Who holds the keys signs a document whose content was edited: the digests tell."""
    changed_content(folder)
    folder.sign_again()


def block_and_digests_signed(folder: Folder) -> None:
    """Even if a block's digests are made to agree, it does not build on what was told before."""
    text = folder.file(2).read_text(encoding="utf-8")
    fore = re.search(r'fore="([0-9a-f]{64})"', text)
    assert fore
    folder.replace(2, fore[1], "0" * 64)
    folder.sign_again()


def broken_schema(folder: Folder) -> None:
    folder.replace(1, 'informationstyp="0"', 'informationstyp="whole"')
    folder.sign_again()


def false_count(folder: Folder) -> None:
    folder.replace(1, "<personer>3</personer>", "<personer>2</personer>")
    folder.sign_again()


def another_stream(folder: Folder, handed: Handed) -> None:
    """The document with the same number of another stream of the same service."""
    shutil.copy(handed.other / "2.xml", folder.file(2))


def another_streams_manifest(folder: Folder, handed: Handed) -> None:
    shutil.copy(handed.other / "2.xml", folder.file(2))
    other = Folder(handed.other, handed.private)
    folder.put(folder.place("manifest", 2), other.lines[other.place("manifest", 2)]["jws"])


def added_document(folder: Folder, handed: Handed) -> None:
    text = folder.file(5).read_text(encoding="utf-8")
    (folder.path / "6.xml").write_text(text.replace("<lopnummer>5<", "<lopnummer>6<"), encoding="utf-8")


def tombstone_removed(folder: Folder) -> None:
    folder.lines = [one for one in folder.lines if one["kind"] != "tombstone"]


def tombstone_forged(folder: Folder) -> None:
    """A delivery that was told is said to be recalled."""
    place, kid = folder.place("tombstone", 4), folder.kid("tombstone", 4)
    said = folder.said("tombstone", 4) | {"number": 3}
    folder.put(place, jws.signed(said, kind="lefi-tombstone+jws", kid=kid, private=Ed25519PrivateKey.generate()))


def tombstone_of_another(folder: Folder) -> None:
    folder.sign_again(tombstone={"sha256": "0" * 64})


def recalled_present(folder: Folder) -> None:
    text = folder.file(5).read_text(encoding="utf-8")
    folder.file(4).write_text(text.replace("<lopnummer>5<", "<lopnummer>4<"), encoding="utf-8")


def acknowledgement_forged(folder: Folder) -> None:
    place, kid = folder.place("acknowledgement", 3), folder.kid("acknowledgement", 3)
    said = folder.said("acknowledgement", 3) | {"acknowledged_at": "2026-01-06T00:00:00+00:00"}
    forged = jws.signed(said, kind="lefi-acknowledgement+jws", kid=kid, private=Ed25519PrivateKey.generate())
    folder.put(place, forged)


def acknowledgement_of_another(folder: Folder) -> None:
    said = folder.said("acknowledgement", 3) | {"manifest_sha256": "0" * 64}
    kid = folder.kid("acknowledgement", 3)
    folder.put(folder.place("acknowledgement", 3), folder.sign("acknowledgement", said, kid))


def doctype(folder: Folder) -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    folder.replace(2, "<leverans", f"{bomb}<leverans")


def no_xml(folder: Folder) -> None:
    folder.replace(2, "<informationsfalt>", "<informationsfalt")


def no_statement(folder: Folder) -> None:
    folder.put(1, "e30.e30.!")


TAMPERED = [
    (changed_byte, {"HASH", "HEAD"}),
    (changed_content, {"HASH", "STATE"}),
    (swapped_files, {"NAME"}),
    (missing_document, {"GAP"}),
    (missing_manifest, {"GAP", "CHAIN", "UNSIGNED", "ACKNOWLEDGEMENT"}),
    (missing_last, {"GAP"}),
    (hash_without_key, {"SIGNATURE", "CHAIN", "STATE", "ACKNOWLEDGEMENT"}),
    (own_key, {"SIGNATURE", "ACKNOWLEDGEMENT"}),
    (wrong_kid, {"KEY_UNKNOWN", "ACKNOWLEDGEMENT"}),
    (no_algorithm, {"SIGNATURE", "ACKNOWLEDGEMENT"}),
    (old_key, {"KEY_TIME", "ACKNOWLEDGEMENT"}),
    (stolen_key, {"KEY_WITHDRAWN"}),
    (withdrawn_before, {"KEY_TIME", "GAP"}),
    (cut_file, {"TRUNCATED", "HASH", "SIZE"}),
    (empty_file, {"TRUNCATED", "GAP"}),
    (longer_file, {"HASH", "SIZE"}),
    (reordered, {"CHAIN"}),
    (doubled_manifest, {"DUPLICATE", "CHAIN"}),
    (doubled_document, {"DUPLICATE"}),
    (block_signed, {"STATE"}),
    (block_and_digests_signed, {"STATE"}),
    (broken_schema, {"SCHEMA"}),
    (false_count, {"HEAD"}),
    (another_stream, {"HASH", "SIZE", "HEAD", "STATE"}),
    (another_streams_manifest, {"OTHER_STREAM", "GAP", "UNSIGNED", "CHAIN", "ACKNOWLEDGEMENT"}),
    (added_document, {"UNSIGNED"}),
    (tombstone_removed, {"GAP", "CHAIN"}),
    (tombstone_forged, {"SIGNATURE", "GAP", "CHAIN"}),
    (tombstone_of_another, {"TOMBSTONE", "GAP"}),
    (recalled_present, {"RECALLED_PRESENT"}),
    (acknowledgement_forged, {"SIGNATURE"}),
    (acknowledgement_of_another, {"ACKNOWLEDGEMENT"}),
    (doctype, {"DOCTYPE", "GAP"}),
    (no_xml, {"NOT_XML", "HASH", "SIZE"}),
    (no_statement, {"FORM", "CHAIN", "GAP", "UNSIGNED", "ACKNOWLEDGEMENT"}),
]


@pytest.mark.parametrize(("tamper", "codes"), TAMPERED, ids=lambda value: getattr(value, "__name__", ""))
def test_each_tampering_is_named(folder, handed, tamper, codes, monkeypatch, capsys):
    tamper(folder, handed) if tamper.__code__.co_argcount == 2 else tamper(folder)
    monkeypatch.setattr(sys, "argv", ["verifier.py", str(folder.path), "--json", "--newest", "5"])

    code = verifier["main"]()

    said = json.loads(capsys.readouterr().out)
    assert code == 1
    assert set(said["fault_counts"]) == codes, said["faults"]
    assert said["faults"][0]["sentence"]


def test_every_code_is_shown_and_explained():
    program = PROGRAM.read_text(encoding="utf-8")
    codes = set(re.findall(r'(?:Fault(?:Error)?\(|add\()\s*"([A-Z_]{3,})"', program)) | {"TRUNCATED", "NOT_XML"}
    explained = PROGRAM.with_name("receipts.md").read_text(encoding="utf-8")

    assert codes == {code for _, named in TAMPERED for code in named}
    assert all(f"`{code}`" in explained for code in codes)


def test_no_fault_and_no_summary_holds_an_identity_number(folder):
    changed_content(folder)

    _, said = check(folder.path)

    assert not re.search(r"\b(?:19|20)\d{10}\b", json.dumps(said))


def test_the_program_and_the_digest_reference_agree_on_every_vector(tmp_path):
    vectors = json.loads(PROGRAM.with_name("digest_vectors.json").read_text(encoding="utf-8"))
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))

    for one in vectors["items"]:
        item = as_read(json.loads(one["item"], parse_float=Decimal))
        fields = verifier["fields_of"](catalogue, catalogue["sections"][one["section"]])
        assert verifier["lines"](fields, item) == one["lines"]
        assert verifier["sha256"](one["lines"]) == one["digest"]


def as_read(value: Any) -> Any:
    """A value as a document holds it: every leaf is text."""
    if isinstance(value, dict):
        return {name: as_read(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [as_read(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else format(value, "f" if isinstance(value, Decimal) else "")
