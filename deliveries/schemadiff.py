"""PURE: what differs between two catalogues, as a receiver of deliveries sees it, one change a path.

A catalogue is laid out flat, from path to what stands there: `benefits/FK:SJP`, `sections/sjukpenningarende`,
`sections/sjukpenningarende/fields/beslut.period`, and its codes below a field. What is on one side alone was added or
removed; what is on both is compared by its attributes. That a receiver is told of fewer things, or of the same thing
in another way, can break it; a new thing, and a new name for people to read, cannot, as long as it ignores what it does
not know.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benefits.catalogue import Catalogue, Field, Label, Section
from deliveries.schema import VERSION

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
CLASS, OWNER, BENEFIT, SECTION, FIELD, CODE, PAYMENT_CODE = (
    "class",
    "owner",
    "benefit",
    "section",
    "field",
    "code",
    "payment_code",
)
LABELS = ("sv", "en")
# What is said of something to people, or to ourselves: a receiver does nothing by it.
HARMLESS = frozenset({*LABELS, "ours", "or_object"})


@dataclass(frozen=True, slots=True)
class Thing:
    """What stands at a path: what kind of thing it is, and its attributes as JSON values."""

    kind: str
    attributes: Mapping[str, Any]

    @property
    def labels(self) -> dict[str, str]:
        """Its names for people, by language; empty where it has none."""
        return {one: self.attributes[one] for one in LABELS if one in self.attributes}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. Of a changed thing, `attribute` was `before` and is `after`; else one of them is the whole thing.

    `breaking` says whether it can break a receiver that ignores what it does not know. `labels` names the thing.
    """

    path: str
    kind: str
    what: str
    attribute: str
    before: Any
    after: Any
    breaking: bool
    labels: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        said = {"path": self.path, "kind": self.kind, "what": self.what}
        if self.attribute:
            said["attribute"] = self.attribute
        return {**said, "before": self.before, "after": self.after, "breaking": self.breaking}


def version_of(known: Catalogue) -> str:
    """The version of the schema that follows from a catalogue, as the schema itself says it."""
    return f"{VERSION}+{known.version}"


def flat(known: Catalogue) -> dict[str, Thing]:
    """Everything in a catalogue, by path."""
    return dict(_things(known))


def difference(before: Catalogue, after: Catalogue) -> list[Change]:
    """All changes from one catalogue to another, by path: what was removed and changed, then what was added."""
    old, new = flat(before), flat(after)
    found: list[Change] = []
    for path, thing in old.items():
        found += _between(path, thing, new[path]) if path in new else [_removed(path, thing)]
    return found + [_added(path, thing, new) for path, thing in new.items() if path not in old]


def outermost(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes without those that only follow from a thing above being added or removed: for people to read."""
    whole: set[str] = set()
    for one in changes:
        if one.what != CHANGED:
            if any(above in whole for above in _above(one.path)):
                continue
            whole.add(one.path)
        yield one


def _above(path: str) -> Iterator[str]:
    """The paths of what a field or a code stands in."""
    whole, _, code = path.partition("/codes/")
    if code:
        yield whole
    section, _, field = whole.partition("/fields/")
    if field:
        yield section
        names = field.split(".")
        for depth in range(1, len(names)):
            yield f"{section}/fields/{'.'.join(names[:depth])}"


def _things(known: Catalogue) -> Iterator[tuple[str, Thing]]:
    for code, label in known.classes.items():
        yield f"classes/{code}", Thing(CLASS, _label(label))
    for code, label in known.owners.items():
        yield f"owners/{code}", Thing(OWNER, _label(label))
    for code, one in known.benefits.items():
        said = {"owner": one.owner, "kind": one.kind, "order_name": one.order_name, "sections": list(one.sections)}
        yield f"benefits/{code}", Thing(BENEFIT, {"sv": one.label_sv, "en": one.label_en, "ours": one.ours} | said)
    for name, section in known.sections.items():
        yield f"sections/{name}", Thing(SECTION, _section(section))
        for field in section.walk():
            yield from _field(f"sections/{name}/fields/{field.path}", field)
    for code, payment in known.payment_codes.items():
        yield f"payment_codes/{code}", Thing(PAYMENT_CODE, {"benefit": payment.benefit, "ours": payment.ours})


def _label(label: Label) -> dict[str, Any]:
    return {"sv": label.sv, "en": label.en, "ours": label.ours}


def _section(section: Section) -> dict[str, Any]:
    rule = section.payment
    return {
        "sv": section.label_sv,
        "en": section.label_en,
        "owner": section.owner,
        "many": section.many,
        "at_most": section.at_most,
        "key": section.key,
        "dated_by": list(section.dated_by),
        "benefit_code": section.benefit_code,
        "payment_rows": rule.rows if rule else None,
        "row_code": rule.row_code if rule else None,
        "family_code": rule.family_code if rule else None,
        "type_code": rule.type_code if rule else None,
        "totals": list(rule.totals) if rule else [],
        "deduction_types": sorted(rule.deduction_types) if rule else [],
        "order": [one.name for one in section.fields],
    }


def _field(path: str, field: Field) -> Iterator[tuple[str, Thing]]:
    said = {
        "sv": field.label_sv,
        "en": field.label_en,
        "type": field.kind,
        "many": field.many,
        "at_most": field.at_most,
        "required": field.required,
        "class": field.cls,
        "subject": field.subject,
        "closed": field.closed,
        "refusal": list(field.refusal),
        "dated_by": list(field.dated_by),
        "ordered": field.ordered,
        "or_object": field.or_object,
        "pattern": field.pattern,
        "order": [one.name for one in field.children],
    }
    yield path, Thing(FIELD, said)
    if field.is_leaf:
        for code, label in field.codes.items():
            yield f"{path}/codes/{code}", Thing(CODE, _label(label))


def _removed(path: str, thing: Thing) -> Change:
    return Change(path, thing.kind, REMOVED, "", dict(thing.attributes), None, True, thing.labels)


def _added(path: str, thing: Thing, new: Mapping[str, Thing]) -> Change:
    """A new code can break a receiver where the set is said to be closed."""
    closed = thing.kind == CODE and new[path.rpartition("/codes/")[0]].attributes["closed"]
    return Change(path, thing.kind, ADDED, "", None, dict(thing.attributes), bool(closed), thing.labels)


def _between(path: str, old: Thing, new: Thing) -> Iterator[Change]:
    for name in old.attributes:
        before, after = old.attributes[name], new.attributes[name]
        if name == "order":
            before, after = _common(before, after), _common(after, before)
        if before != after:
            yield Change(path, new.kind, CHANGED, name, before, after, _breaks(name, before, after), new.labels)


def _common(names: list[str], others: list[str]) -> list[str]:
    """Those on both sides: new and removed ones are said for themselves, and move no other."""
    return [one for one in names if one in others]


def _breaks(attribute: str, before: Any, after: Any) -> bool:
    if attribute in HARMLESS:
        return False
    judged = _JUDGED.get(attribute)
    return judged(before, after) if judged else True


# What breaks nobody when it moves one way.
_JUDGED: dict[str, Callable[[Any, Any], bool]] = {
    "at_most": lambda before, after: after is None or (before is not None and after > before),
    "required": lambda before, after: bool(before),
    "closed": lambda before, after: bool(before),
    "sections": lambda before, after: not set(after).issuperset(before),
}
