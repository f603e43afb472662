"""The catalogue: every section, field, code and benefit that can be told about a person.

All of it is data, read from `catalogue.json`; nothing here knows a benefit by name. Import checks,
field classes for the law, documents, schemas, reference pages and labels all follow from what
`catalogue()` returns. The order of sections and fields in the file is the order of the digest.

Names, types, occurrences and codes are those of Försäkringskassan's contract for LEFI Online v9.
Codes are open sets: one that is not listed passes through and is counted, `closed` or not.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benefits.fields import CODE_NAMES, LEAF_KINDS, OBJECT, Field, Label, PaymentRule, Section, at_path

__all__ = [
    "HEADER",
    "Benefit",
    "Catalogue",
    "CatalogueError",
    "Field",
    "Label",
    "PaymentCode",
    "PaymentRule",
    "Section",
    "catalogue",
    "load",
    "parse",
]

DATA = Path(__file__).with_name("catalogue.json")
HEADER = "person"  # the one section that belongs to every benefit: who the person is

_DAY_KINDS = frozenset({"date", "datetime", "integer"})
_PERIOD_ENDS = ({"fran", "till"}, {"from", "tom"})
_BENEFIT_KINDS = frozenset({"benefit", "information"})
_NAMING = frozenset({"name", "type", "fields", "sv", "en", "pattern", "codes", "closed"})
_FIELD_KEYS = _NAMING | {"many", "min", "max", "class", "subject", "refusal", "dated_by", "ordered", "or_object"}


class CatalogueError(ValueError):
    """The data file contradicts itself; the message says where and how."""


@dataclass(frozen=True, slots=True)
class Benefit:
    """What can be ordered: a benefit, or other information, of one owner (FK or PM).

    `order_name` is its element in an order. `ours` says that public sources do not confirm
    the code, or which sections answer it.
    """

    code: str
    owner: str
    kind: str
    order_name: str
    sections: tuple[str, ...]
    label_sv: str
    label_en: str
    ours: bool


@dataclass(frozen=True, slots=True)
class PaymentCode:
    """The benefit that a row or family code of a payment stands for; None where rows must tell."""

    benefit: str | None
    ours: bool


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """The whole catalogue, checked: what it names exists, and every leaf has one class."""

    version: str
    classes: Mapping[str, Label]
    owners: Mapping[str, Label]
    benefits: Mapping[str, Benefit]
    sections: Mapping[str, Section]
    payment_codes: Mapping[str, PaymentCode]

    def by_order_name(self, name: str) -> Benefit | None:
        """The benefit that an order calls by this name, or None."""
        return next((one for one in self.benefits.values() if one.order_name == name), None)

    def benefits_of(self, section: str) -> tuple[Benefit, ...]:
        """The benefits that a section answers. Raise KeyError for an unknown section."""
        return tuple(self.benefits[code] for code in self.sections[section].benefits)

    def payment_benefit(self, row_code: str | None, family_code: str | None) -> str | None:
        """The benefit of a payment row; None when it cannot be told, and may then not be delivered.

        The row decides; its family is asked only where the row carries no code, so that an
        unknown row is never taken for whatever its family mostly is.
        """
        found = self.payment_codes.get(row_code or family_code or "")
        return found.benefit if found else None


def load(path: Path = DATA) -> Catalogue:
    """Read and check a data file. Raise CatalogueError if it contradicts itself."""
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> Catalogue:
    """Read and check the text of a data file. Raise CatalogueError if it is no catalogue, or contradicts itself."""
    try:
        return _Reader(json.loads(text)).read()
    except KeyError as missing:
        raise CatalogueError(f"The catalogue lacks {missing} where it is needed.") from missing
    except (json.JSONDecodeError, RecursionError) as error:
        raise CatalogueError("The catalogue is not JSON.") from error
    except (TypeError, AttributeError) as error:
        raise CatalogueError("The catalogue has something else where an object, a list or a text belongs.") from error


@cache
def catalogue() -> Catalogue:
    """The product's own catalogue, read once."""
    return load()


class _Reader:
    """Builds a Catalogue from parsed JSON, refusing the first contradiction met."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.classes = _labels(raw["classes"])
        self.owners = _labels(raw["owners"])

    def read(self) -> Catalogue:
        benefits = {code: self._benefit(code, spec) for code, spec in self.raw["benefits"].items()}
        _refuse_repeats("order_name", (one.order_name for one in benefits.values()))
        sections = {name: self._section(name, spec, benefits) for name, spec in self.raw["sections"].items()}
        for name in self.raw["payments"]["sections"]:
            _demand(name in sections, f"Payments are cut in the unknown section {name}.")
        return Catalogue(
            version=self.raw["version"],
            classes=self.classes,
            owners=self.owners,
            benefits=MappingProxyType(benefits),
            sections=MappingProxyType(sections),
            payment_codes=self._payment_codes(benefits),
        )

    def _benefit(self, code: str, spec: dict[str, Any]) -> Benefit:
        _demand(spec["owner"] in self.owners, f"{code} has the unknown owner {spec['owner']}.")
        _demand(spec["kind"] in _BENEFIT_KINDS, f"{code} is of the unknown kind {spec['kind']}.")
        for name in spec["sections"]:
            _demand(name in self.raw["sections"], f"{code} is answered by the unknown section {name}.")
        return Benefit(
            code=code,
            owner=spec["owner"],
            kind=spec["kind"],
            order_name=spec["order_name"],
            sections=tuple(spec["sections"]),
            label_sv=spec["sv"],
            label_en=spec["en"],
            ours=spec["ours"],
        )

    def _section(self, name: str, spec: dict[str, Any], benefits: Mapping[str, Benefit]) -> Section:
        _demand(spec["owner"] in self.owners, f"{name} has the unknown owner {spec['owner']}.")
        fields = self._fields(spec.get("fields") or self._structure(spec["structure"], name), name)
        section = Section(
            name=name,
            owner=spec["owner"],
            place=spec["place"],
            many=spec["many"],
            at_most=spec.get("max"),
            fields=fields,
            benefits=tuple(code for code, one in benefits.items() if name in one.sections),
            key=spec["key"],
            dated_by=tuple(spec["dated_by"]),
            benefit_code=spec.get("benefit_code"),
            payment=self._payment_rule(name, fields),
            label_sv=spec["sv"],
            label_en=spec["en"],
        )
        _check_section(section)
        return section

    def _payment_rule(self, name: str, fields: tuple[Field, ...]) -> PaymentRule | None:
        payments = self.raw["payments"]
        spec = payments["sections"].get(name)
        if spec is None:
            return None
        rows = at_path(fields, spec["rows"])
        _demand(rows is not None and rows.many, f"{name} has no list of rows {spec['rows']}.")
        in_row = rows.children if rows else ()
        for path in (spec["row_code"], spec["type_code"]):
            _demand(at_path(in_row, path) is not None, f"A payment row of {name} has no field {path}.")
        for path in [*spec["totals"], *filter(None, [spec["family_code"]])]:
            _demand(at_path(fields, path) is not None, f"A payment of {name} has no field {path}.")
        return PaymentRule(
            rows=spec["rows"],
            row_code=spec["row_code"],
            family_code=spec["family_code"],
            type_code=spec["type_code"],
            totals=tuple(spec["totals"]),
            deduction_types=frozenset(payments["deduction_types"]),
            label_sv=spec["sv"],
            label_en=spec["en"],
        )

    def _payment_codes(self, benefits: Mapping[str, Benefit]) -> Mapping[str, PaymentCode]:
        codes = {code: PaymentCode(**spec) for code, spec in self.raw["payments"]["codes"].items()}
        for code, one in codes.items():
            known = one.benefit is None or one.benefit in benefits
            _demand(known, f"Payment code {code} stands for the unknown benefit {one.benefit}.")
        return MappingProxyType(codes)

    def _structure(self, name: str, where: str) -> list[dict[str, Any]]:
        _demand(name in self.raw["structures"], f"{where} uses the unknown structure {name}.")
        found: list[dict[str, Any]] = self.raw["structures"][name]
        return found

    def _fields(
        self,
        specs: list[dict[str, Any]],
        where: str,
        *,
        path: str = "",
        inherited: tuple[str, str] = ("", ""),
        inside: tuple[str, ...] = (),
    ) -> tuple[Field, ...]:
        """Build sibling fields; `inherited` is the parent's class and subject, `inside` its structures."""
        _refuse_repeats(f"{where}: field", (spec["name"] for spec in specs))
        return tuple(self._field(spec, where, path, inherited, inside) for spec in specs)

    def _field(
        self, spec: dict[str, Any], where: str, path: str, inherited: tuple[str, str], inside: tuple[str, ...]
    ) -> Field:
        path = f"{path}.{spec['name']}".lstrip(".")
        at = f"{where}: {path}"
        self._check_field(spec, at)
        cls, subject = spec.get("class", inherited[0]), spec.get("subject", inherited[1])
        kind = spec["type"] if spec["type"] in LEAF_KINDS else OBJECT
        children: tuple[Field, ...] = ()
        if kind == OBJECT:
            below, inside = self._below(spec, at, inside)
            children = self._fields(below, where, path=path, inherited=(cls, subject), inside=inside)
        many = spec.get("many", False)
        field = Field(
            name=spec["name"],
            path=path,
            kind=kind,
            many=many,
            at_most=spec.get("max") if many else 1,
            required=spec.get("min", 0) > 0 and not many,
            cls=cls,
            subject=subject,
            codes=self._codes(spec.get("codes", {}), at),
            closed=spec.get("closed", False),
            refusal=tuple(spec.get("refusal", ())),
            dated_by=tuple(spec.get("dated_by", ())),
            ordered=spec.get("ordered", False),
            or_object=spec.get("or_object", False),
            pattern=spec.get("pattern"),
            label_sv=spec["sv"],
            label_en=spec["en"],
            children=children,
        )
        return _checked(field, at)

    def _codes(self, codes: str | dict[str, Any], at: str) -> Mapping[str, Label]:
        """The labels of a field's codes, which stand in place or as the name of a code set."""
        if not isinstance(codes, str):
            return _labels(codes)
        _demand(codes in self.raw["code_sets"], f"{at} uses the unknown code set {codes}.")
        return _labels(self.raw["code_sets"][codes])

    def _below(
        self, spec: dict[str, Any], at: str, inside: tuple[str, ...]
    ) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
        """The specs below an object: its own, or its structure's with its codes handed to the code leaf."""
        if spec["type"] == OBJECT:
            return spec["fields"], inside
        name = spec["type"]
        _demand(name not in inside, f"{at}: structure {name} contains itself, which is not supported.")
        below = self._structure(name, at)
        handed: dict[str, Any] = {key: spec[key] for key in ("codes", "closed") if key in spec}
        below = [{**one, **handed} if one["name"] in CODE_NAMES else one for one in below]
        return below, (*inside, name)

    def _check_field(self, spec: dict[str, Any], at: str) -> None:
        unknown = set(spec) - _FIELD_KEYS
        _demand(not unknown, f"{at} says {', '.join(sorted(unknown))}, which means nothing here.")
        _demand(bool(spec["sv"] and spec["en"]), f"{at} lacks a Swedish or English label.")
        cls = spec.get("class")
        _demand(cls is None or cls in self.classes, f"{at} has the unknown class {cls}.")
        _demand(spec.get("subject", "other") == "other", f"{at} has an unknown subject.")


def _checked(field: Field, at: str) -> Field:
    """Return the field if it agrees with itself, else raise CatalogueError."""
    _demand(not field.is_leaf or field.cls != "", f"{at} is a leaf without a class.")
    speaks_of_code = bool(field.codes or field.refusal)
    _demand(not speaks_of_code or field.code_leaf is not None, f"{at} has codes but no leaf that holds one.")
    _demand(field.many or not (field.dated_by or field.ordered), f"{at} is dated or ordered, but no list.")
    _check_dates(field.children, field.dated_by, at)
    if field.pattern is not None:
        _check_pattern(field.pattern, at)
    return field


def _check_section(section: Section) -> None:
    name = section.name
    _check_dates(section.fields, section.dated_by, name)
    for path in filter(None, (section.key, section.benefit_code)):
        found = at_path(section.fields, path)
        _demand(found is not None and found.is_leaf, f"{name} has no leaf {path}.")
    _demand(bool(section.benefits) or name == HEADER, f"{name} answers no benefit.")
    told_apart = len(section.benefits) < 2 or section.benefit_code or section.payment
    _demand(bool(told_apart), f"{name} answers several benefits, but nothing tells its items apart.")


def _check_dates(fields: tuple[Field, ...], paths: Iterable[str], at: str) -> None:
    for path in paths:
        found = at_path(fields, path)
        if found is None:
            raise CatalogueError(f"{at} is dated by {path}, which does not exist.")
        dates = found.kind in _DAY_KINDS or {child.name for child in found.children} in _PERIOD_ENDS
        _demand(dates, f"{at} is dated by {path}, which holds no date.")


def _check_pattern(pattern: str, at: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise CatalogueError(f"{at} has a pattern that cannot be read: {error}.") from error


def _labels(raw: dict[str, dict[str, Any]]) -> Mapping[str, Label]:
    return MappingProxyType({code: Label(**spec) for code, spec in raw.items()})


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    repeated = [name for name, times in Counter(names).items() if times > 1]
    _demand(not repeated, f"{what} stands twice: {', '.join(repeated)}.")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise CatalogueError(otherwise)
