"""What the catalogue is made of: sections of an answer, their fields, and the labels of both.

Values only; `catalogue.py` reads them from the data file and vouches that they agree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

OBJECT = "object"
LEAF_KINDS = frozenset({"string", "integer", "decimal", "boolean", "date", "datetime"})
CODE_NAMES = ("id", "kod")  # what the code leaf of a code structure is called


@dataclass(frozen=True, slots=True)
class Label:
    """What a value is called; `ours` when the contract names the code but does not explain it."""

    sv: str
    en: str
    ours: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a section's item, with everything below it.

    `kind` is a leaf kind or "object". `path` is dotted from the item's root, without marks for
    lists. A list holds at most `at_most` elements (None: any number). `required` says that the
    contract demands the field wherever its parent stands; never said of lists, since an empty list
    and an absent one are the same here. `cls` and `subject` are inherited from the parent where
    the field has none of its own; `cls` is "" only for an object, whose leaves then have theirs.
    `subject` is "other" for data about a third person, else "".

    On a code structure, `codes`, `closed` and `refusal` speak of its `code_leaf`, which repeats
    `codes` and `closed`. A value in `refusal` makes the object that holds *this field* a refusal.
    `dated_by` lists paths relative to an element of this list: periods, days, months or years.
    `or_object` says that the contract's own example writes an object where its schema has this text: one is taken in
    like an unknown field, kept as given and counted, and is never told.
    """

    name: str
    path: str
    kind: str
    many: bool
    at_most: int | None
    required: bool
    cls: str
    subject: str
    codes: Mapping[str, Label]
    closed: bool
    refusal: tuple[str | int | bool, ...]
    dated_by: tuple[str, ...]
    ordered: bool
    or_object: bool
    pattern: str | None
    label_sv: str
    label_en: str
    children: tuple["Field", ...]

    @property
    def is_leaf(self) -> bool:
        return self.kind != OBJECT

    @property
    def code_leaf(self) -> "Field | None":
        """Where the code stands: the field itself, or the `id` or `kod` of a code structure."""
        if self.is_leaf:
            return self
        return next((child for child in self.children if child.name in CODE_NAMES), None)

    def is_unknown(self, value: Any) -> bool:
        """Whether a value of this field is of a shape that is kept and never told."""
        return self.or_object and isinstance(value, dict)

    def walk(self) -> Iterator["Field"]:
        """Yield the field and everything below it, in the order of the digest."""
        yield self
        for child in self.children:
            yield from child.walk()

    def leaves(self) -> Iterator["Field"]:
        return (field for field in self.walk() if field.is_leaf)


@dataclass(frozen=True, slots=True)
class PaymentRule:
    """How the payments of a section are cut by benefit: row by row, by the codes found in a row.

    `rows` is the list of rows; `row_code` and `type_code` are paths within a row, `family_code`
    a path within the payment. `totals` speak of all rows together. A row whose type is one of
    `deduction_types` is a deduction as a whole. The labels name one payment.
    """

    rows: str
    row_code: str
    family_code: str | None
    type_code: str
    totals: tuple[str, ...]
    deduction_types: frozenset[str]
    label_sv: str
    label_en: str


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One list of items in a v9 answer (or, not `many`, the header of the person).

    `place` is the object of the answer that holds the section; None for its root. `benefits` are
    the codes of those that the section answers. Where they share it, `benefit_code` is the path of
    the leaf that names an item's benefit, or `payment` says how its rows do.
    `key` is the leaf that identifies an item at its source; None where the contract gives none.
    """

    name: str
    owner: str
    place: str | None
    many: bool
    at_most: int | None
    fields: tuple[Field, ...]
    benefits: tuple[str, ...]
    key: str | None
    dated_by: tuple[str, ...]
    benefit_code: str | None
    payment: PaymentRule | None
    label_sv: str
    label_en: str

    def walk(self) -> Iterator[Field]:
        """Yield every field, parents before children, in the order of the digest."""
        for field in self.fields:
            yield from field.walk()

    def leaves(self) -> Iterator[Field]:
        return (field for field in self.walk() if field.is_leaf)

    def field(self, path: str) -> Field:
        """The field at a dotted path. Raise KeyError if there is none."""
        found = at_path(self.fields, path)
        if found is None:
            raise KeyError(f"{self.name} has no field {path}.")
        return found


def at_path(fields: tuple[Field, ...], path: str) -> Field | None:
    """The field at a dotted path below these siblings, or None."""
    name, _, rest = path.partition(".")
    found = next((field for field in fields if field.name == name), None)
    return at_path(found.children, rest) if found and rest else found
