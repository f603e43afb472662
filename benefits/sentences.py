"""PURE: what an item says, a sentence for each decision, payment or fact in it, in the words of the catalogue.

Nothing here knows a benefit by name: what a decision is about, how much of it, for when and with which outcome is told
by where the catalogue says that its dates stand, and by the classes of the fields beside them. What an item says beyond
that is for `presentation.describe`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from benefits.catalogue import Field, Section, catalogue
from benefits.content import Span, spans, values_at
from benefits.fields import PaymentRule, at_path
from benefits.presentation import (
    WORDS,
    Entry,
    Group,
    Line,
    amount,
    describe,
    is_short,
    label_of,
    short_text,
    values_of,
)

ROOT = ""
UNDATED = Span(None, None)
MOST_FACTS = 5  # of an item without dates
_PERIOD_ENDS = ({"fran", "till"}, {"from", "tom"})
_MONEY = {"summa", "valuta"}
_SAID_BY_ITSELF = frozenset({"period", "ar", "artal"})  # names of fields whose label adds nothing to a period
_PER = {"sv": "per", "en": "per"}
_DECIDED = {"sv": "beslut", "en": "decided"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence, and what it rests on: the days that it speaks of, and how much, as texts."""

    text: str
    starts_on: date | None = None
    ends_on: date | None = None
    amount: str = ""
    extent: str = ""
    is_payment: bool = False

    @property
    def last_day(self) -> date:
        """What statements are ordered by: the day they end on, or far ahead where that is open."""
        return self.ends_on or (date.max if self.starts_on else date.min)


def statements(section: Section, content: Mapping[str, Any], language: str = "sv") -> tuple[Statement, ...]:
    """What an item of a section says, the latest first. An item that says nothing has none."""
    reader = _Item(section, content, language)
    found = [reader.payment(section.payment)] if section.payment else list(reader.dated())
    return tuple(sorted(found, key=lambda one: one.last_day, reverse=True)) or reader.undated()


def begun_small(text: str) -> str:
    """The text as it stands within a sentence: with a small letter first, unless it begins with an abbreviation."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


class _Item:
    """One item, read by what the catalogue says of its section."""

    def __init__(self, section: Section, content: Mapping[str, Any], language: str) -> None:
        self.section = section
        self.content = content
        self.language = language
        self.name = label_of(section, language)

    # An item with dated decisions, or that is dated itself

    def dated(self) -> Iterator[Statement]:
        for path, dated_by in self._holders().items():
            field = at_path(self.section.fields, path) if path else None
            children = field.children if field else self.section.fields
            for holder in values_at(self.content, path.split(".")) if path else [self.content]:
                said = self._decision(field, children, holder, dated_by)
                if said is not None:
                    yield said

    def _holders(self) -> dict[str, list[str]]:
        """The paths of what is dated by a period, or of the item itself, with the names of the dates in each."""
        found: dict[str, list[str]] = {}
        for path in self.section.dated_by:
            above, _, name = path.rpartition(".")
            field = at_path(self.section.fields, path)
            if field is not None and (above == ROOT or _is_period(field)) and not (field.many and field.is_leaf):
                found.setdefault(above, []).append(name)
        return found

    def _decision(
        self, field: Field | None, children: Sequence[Field], holder: Mapping[str, Any], dated_by: Sequence[str]
    ) -> Statement | None:
        when = self._when(children, holder, dated_by)
        extent, money = self._extent(children, holder), self._money(children, holder)
        how = _joined(self._outcome(children, holder), _joined(extent, money), by=" ")
        if not how and not when:
            return None
        more = self._beside(dated_by) if field is None and not how else ""
        said = _joined(how, when, more or self._decided(field, children, holder))
        span = next(spans(dated_by, dict(holder)), UNDATED)
        text = f"{self._subject(children, holder)}: {said}."
        return Statement(text, span.start, span.end, money, extent)

    def _beside(self, dated_by: Sequence[str]) -> str:
        """The first facts of an item that is dated as a whole, beside its dates."""
        fields = [one for one in self.section.fields if one.name not in dated_by and one not in self._own_benefit()]
        return _joined(*list(self._facts(describe(fields, self.content, self.language)))[: MOST_FACTS - 2])

    def _subject(self, children: Sequence[Field], holder: Mapping[str, Any]) -> str:
        """The section's name, with what kind of it the decision is on where that says more."""
        kinds = [*self._kinds(self._own_benefit(), self.content), *self._kinds(children, holder)]
        more = [one for one in dict.fromkeys(kinds) if one.casefold() != self.name.casefold()]
        return f"{self.name} ({', '.join(map(begun_small, more))})" if more else self.name

    def _own_benefit(self) -> Sequence[Field]:
        """Where items of several benefits stand together: the field that says which."""
        path = self.section.benefit_code
        return [one for one in self.section.fields if path and one.name == path.partition(".")[0]]

    def _kinds(self, fields: Sequence[Field], holder: Mapping[str, Any]) -> Iterator[str]:
        own = self._own_benefit()
        for field in fields:
            code = not field.is_leaf and is_short(field) and not field.many
            if code and (field.cls == "benefit" or field in own) and field.code_leaf is not None:
                yield from self._texts(field, holder)

    def _when(self, children: Sequence[Field], holder: Mapping[str, Any], dated_by: Sequence[str]) -> str:
        fields = [one for one in children if one.name in dated_by and not one.many]
        said = []
        for field in fields:
            for text in self._texts(field, holder):
                plain = field.name in _SAID_BY_ITSELF
                said.append(text if plain else f"{begun_small(label_of(field, self.language))} {text}")
        return ", ".join(said)

    def _extent(self, children: Sequence[Field], holder: Mapping[str, Any]) -> str:
        for field in children:
            if field.cls == "extent":
                texts = [self._share(field, value) for value in values_of(holder.get(field.name))]
                if texts:
                    return "/".join(texts)
        return ""

    def _share(self, field: Field, value: Any) -> str:
        """An extent in per cent, also where it is written as a decimal part of one."""
        if not field.is_leaf:
            return short_text(field, value, self.language)
        try:
            share = Decimal(str(value)) * 100
        except InvalidOperation:
            return str(value)
        text = f"{share.normalize():f}"
        return f"{text if self.language == 'en' else text.replace('.', ',')}\N{NO-BREAK SPACE}%"

    def _money(self, children: Sequence[Field], holder: Mapping[str, Any]) -> str:
        """The first amount, with how often it is paid."""
        often = [
            begun_small(text)
            for one in children
            if one.cls == "amount" and one.code_leaf is not None and not one.is_leaf
            for text in self._texts(one, holder)
        ]
        for field in children:
            value = holder.get(field.name)
            if field.cls == "amount" and isinstance(value, Mapping) and field.code_leaf is None:
                return _joined(self._sum(field, value), *often[:1], by=" ")
        return ""

    def _sum(self, field: Field, value: Mapping[str, Any]) -> str:
        if {one.name for one in field.children} == _MONEY:
            return short_text(field, value, self.language)
        number = next((value[one.name] for one in field.children if one.is_leaf and one.name in value), None)
        if number is None:
            return ""
        often = [text for one in field.children if not one.is_leaf for text in self._texts(one, value)]
        per = f"{_PER[self.language]} {begun_small(often[0])}" if often else ""
        return _joined(amount(number, language=self.language), per, by=" ")

    def _outcome(self, children: Sequence[Field], holder: Mapping[str, Any]) -> str:
        """How the decision went, as far as that is told: of itself, or of the whole item."""
        for fields, value in ((children, holder), (self.section.fields, self.content)):
            for field in fields:
                said = value.get(field.name)
                if field.cls != "outcome" or said in (None, "", False, "false"):
                    continue
                return begun_small(
                    label_of(field, self.language) if field.kind == "boolean" else self._text(field, said)
                )
        return ""

    def _decided(self, field: Field | None, children: Sequence[Field], holder: Mapping[str, Any]) -> str:
        """When the decision was made: a day beside it, or on the item as a whole."""
        for one in children:
            if one.kind == "date" and one.cls == "period" and not one.many and holder.get(one.name):
                label = _DECIDED[self.language] if field else begun_small(label_of(one, self.language))
                return f"{label} {holder[one.name]}"
        return self._decided(None, self.section.fields, self.content) if field else ""

    # A payment

    def payment(self, rule: PaymentRule) -> Statement:
        day = next((self.content[one.name] for one in self.section.fields if self._is_payment_day(one)), "")
        total = next((text for name in rule.totals for text in self._total(name)), "")
        rows = self._rows(rule)
        if len(rows) == 1:
            what, money, when = rows[0]
            said = [total or money, what, when]
        else:
            said = [total, "; ".join(_joined(_joined(what, money, by=" "), when) for what, money, when in rows)]
        head = _joined(label_of(rule, self.language), str(day), by=" ")
        span = next(spans(self.section.dated_by[:1], dict(self.content)), UNDATED)
        text = _joined(head, _joined(*said), by=": ")
        return Statement(f"{text}.", span.start, span.end, total, is_payment=True)

    def _is_payment_day(self, field: Field) -> bool:
        return field.cls == "payment_date" and field.name in self.content

    def _total(self, name: str) -> Iterator[str]:
        fields = (one for one in self.section.fields if one.name == name and not one.many and one.cls == "amount")
        return (self._amount(one, self.content[name]) for one in fields if name in self.content)

    def _rows(self, rule: PaymentRule) -> list[tuple[str, str, str]]:
        """Of what, how much and for when each row of the payment is; without those of nothing, such as of tax."""
        field = at_path(self.section.fields, rule.rows)
        rows = values_of(self.content.get(rule.rows))
        said = [self._row(rule.row_code.partition(".")[0], field.children, row) for row in rows] if field else []
        return [row for row in said if row[1]] or said[:1]

    def _row(self, named: str, children: Sequence[Field], row: Mapping[str, Any]) -> tuple[str, str, str]:
        names = [text for one in children if one.name == named for text in self._texts(one, row)]
        money = [self._amount(one, row[one.name]) for one in children if one.cls == "amount" and row.get(one.name)]
        when = [text for one in children if _is_period(one) for text in self._texts(one, row)]
        what = _joined(*map(begun_small, names[:1]), self._extent(children, row), by=" ")
        return what, "".join(money[:1]), "".join(when[:1])

    def _amount(self, field: Field, value: Any) -> str:
        return amount(value, language=self.language) if field.is_leaf else self._text(field, value)

    # Anything else

    def undated(self) -> tuple[Statement, ...]:
        """The first facts of an item that has no dates of its own."""
        facts = list(self._facts(describe(self.section.fields, self.content, self.language)))
        if not facts:
            return ()
        return (Statement(f"{self.name}: {', '.join(facts[:MOST_FACTS])}."),)

    def _facts(self, entries: Sequence[Entry]) -> Iterator[str]:
        yes_or_no = (WORDS[self.language]["yes"], WORDS[self.language]["no"])
        for entry in entries:
            if isinstance(entry, Line):
                label = begun_small(entry.label)
                yield f"{label}: {begun_small(entry.text)}" if entry.text in yes_or_no else f"{label} {entry.text}"
            elif isinstance(entry, Group):
                yield from self._facts(entry.entries)

    def _texts(self, field: Field, holder: Mapping[str, Any]) -> Iterator[str]:
        for value in values_of(holder.get(field.name)):
            if not field.is_unknown(value):
                text = self._text(field, value)
                if text:
                    yield text

    def _text(self, field: Field, value: Any) -> str:
        """The value in the reader's language, also where the source says a benefit's name in its own."""
        code = field.code_leaf if field.cls == "benefit" and not field.is_leaf and not field.codes else None
        benefit = catalogue().payment_benefit(str(value.get(code.name)), None) if code else None
        known = catalogue().benefits.get(benefit or "")
        return label_of(known, self.language) if known else short_text(field, value, self.language)


def _joined(*parts: str, by: str = ", ") -> str:
    """The parts that say something."""
    return by.join(filter(None, parts))


def _is_period(field: Field) -> bool:
    return {child.name for child in field.children} in _PERIOD_ENDS
