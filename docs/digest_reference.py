"""Check a delivery's digests with the published catalogue alone: digest_reference.py catalogue.json delivery.xml

Standard library only. docs/digest.md says what is computed; this is the same in code, for receivers to port or use.
"""

import hashlib
import json
import sys
import unicodedata
from decimal import Decimal
from xml.etree import ElementTree

NS = "{urn:lefi:prenumeration:leverans:1}"
LEAVES = {"string", "integer", "decimal", "boolean", "date", "datetime"}


def fields_of(catalogue, spec):
    """The fields of a section, or below a field: its own, or those of the structure that it names."""
    return spec.get("fields") or catalogue["structures"][spec.get("structure") or spec["type"]]


def text_of(kind, value):
    if kind == "boolean":
        return "true" if value in (True, "true", "1") else "false"
    if kind == "integer":
        return str(int(value))
    if kind == "decimal":
        text = format(Decimal(value), "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return "0" if text in ("-0", "") else text
    return value


def relative(catalogue, field, value):
    """The lines of one value, without the name before them."""
    if field["type"] in LEAVES:
        text = unicodedata.normalize("NFC", text_of(field["type"], value))
        return ["=" + text.replace("\\", "\\\\").replace("\n", "\\n")]
    return ["." + line for line in lines(catalogue, fields_of(catalogue, field), value)]


def lines(catalogue, fields, item):
    """The digest's lines of an item, which is a dict as JSON has it (numbers as int or Decimal, or as text)."""
    found = []
    for field in fields:
        name, value = field["name"], item.get(field["name"])
        if value is not None and not field.get("many"):
            found += [name + line for line in relative(catalogue, field, value)]
        elif value is not None:
            every = [relative(catalogue, field, one) for one in value if one is not None]
            every = [one for one in every if one]
            every = every if field.get("ordered") else sorted(every, key="\n".join)
            found += [f"{name}[{place}]{line}" for place, one in enumerate(every, 1) for line in one]
    return found


def sha256(found):
    return hashlib.sha256("".join(line + "\n" for line in found).encode()).hexdigest()


def item_digest(catalogue, section, item):
    found = lines(catalogue, fields_of(catalogue, catalogue["sections"][section]), item)
    return sha256(found) if found else None


def block_digest(section, digests):
    return sha256([f"sektion={section}", *sorted(digests)])


def state_hash(sections):
    """The state of a watch, by its sections: the digests of the items that a receiver holds of each."""
    held = sorted((section, digests) for section, digests in sections.items() if digests)
    return sha256([f"{section}={block_digest(section, digests)}" for section, digests in held])


def from_xml(catalogue, fields, element):
    """An item's element as a dict, its values as text."""
    item = {}
    for field in fields:
        found = element.findall(NS + field["name"])
        leaf = field["type"] in LEAVES
        values = [one.text or "" if leaf else from_xml(catalogue, fields_of(catalogue, field), one) for one in found]
        if values:
            item[field["name"]] = values if field.get("many") else values[0]
    return item


def check(catalogue, path):
    """Yield a sentence for every item or block of a delivery that is not what its digest says."""
    for block in ElementTree.parse(path).iter(NS + "block"):  # noqa: S314 - validated against the XSD first
        section = block.get("sektion")
        if section is None:
            continue  # slutfalt/block, which is a count
        fields, digests = fields_of(catalogue, catalogue["sections"][section]), []
        for element in block.findall(NS + section):
            digests.append(item_digest(catalogue, section, from_xml(catalogue, fields, element)))
            if element.get("id", "").split("-")[0] != digests[-1]:
                yield f"watch {block.get('bevakning')} {section}: an item is not what its id says"
        if block.get("efter") != block_digest(section, digests):
            yield f"watch {block.get('bevakning')} {section}: the block is not what its digest says"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        faults = list(check(json.load(file), sys.argv[2]))
    print("\n".join(faults) or "all digests hold")  # noqa: T201
    sys.exit(bool(faults))
