"""PURE: an order of any size as CSV and as XML, in which one line in a hundred is wrong in one of fifteen ways."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from benefits.synthetic.people import birth_of

NEW, CANCEL = "nybestallningBevakning", "avbestallningBevakning"
SEED = 1
STRIDE = 100  # lines, of which the last is wrong
FROM = "2025-12-01"
LONG_AGO = "2001-01-01"
HEADER = ["typ", "personnummer", "from", "formaner", "arendereferens", "behovsreferens", "referens"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line as it is written, and the answer that it is to get."""

    kind: str
    number: str
    from_date: str
    benefit: str
    case: str
    need: str
    reference: str
    answer: str = "ACCEPTED"


def number(index: int) -> str:
    """The identity number of a made-up person; those of the register have the lowest indexes."""
    return birth_of(SEED, index, lambda _: False).number


def _wrong_digit(good: Wanted) -> str:
    return f"{good.number[:-1]}{(int(good.number[-1]) + 1) % 10}"


def wrong_lines(good: Wanted, before: Wanted, watched: str) -> list[Wanted]:
    """The line in each of the ways to be wrong, after the line `before`; `watched` is a number watched already."""
    return [
        replace(good, number=_wrong_digit(good), answer="NUMBER_INVALID"),
        replace(good, benefit="guldtackor", answer="BENEFIT_UNKNOWN"),
        replace(good, from_date="", answer="FROM_MISSING"),
        replace(good, from_date="2026-02-30", answer="FROM_INVALID"),
        replace(good, reference="x" * 101, answer="REFERENCE_TOO_LONG"),
        replace(good, from_date=LONG_AGO, answer="LOOK_BACK_TOO_LONG"),
        replace(good, case="", answer="CASE_REFERENCE_MISSING"),
        replace(good, need="", answer="NEED_REFERENCE_MISSING"),
        replace(good, benefit="bostadsbidrag", answer="BENEFIT_NOT_AGREED"),
        replace(good, benefit="foraldrapenning", answer="BENEFIT_NOT_IN_BASIS"),
        replace(good, benefit="pmAllmanPension", answer="OWNER_NOT_APPROVED"),
        replace(good, number=before.number, answer="DUPLICATE_IN_ORDER"),
        replace(good, kind=CANCEL, number=before.number, answer="CONFLICT_IN_ORDER"),
        replace(good, kind=CANCEL, answer="NOT_WATCHED"),
        replace(good, number=watched, answer="ALREADY_WATCHED"),
    ]


def wanted_lines(lines: int) -> Iterator[Wanted]:
    """The lines: every other on a person of the register, the rest on persons of whom nothing is known."""
    before = None
    for place in range(lines):
        person = place // 2 if place % 2 == 0 else lines + place // 2
        line = Wanted(NEW, number(person), FROM, "sjukpenning", f"A{place}", f"B{place}", f"rad {place + 1}")
        if place % STRIDE == STRIDE - 1 and before is not None:
            ways = wrong_lines(line, before, watched_number(lines, place))
            line = ways[place // STRIDE % len(ways)]
        yield line
        before = line


def watched_number(lines: int, place: int) -> str:
    """A person of the register who is watched before the order, and whom no other of its lines names."""
    return number(lines // 2 + place // STRIDE)


def watched_numbers(lines: int) -> list[str]:
    return [watched_number(lines, place) for place in range(STRIDE - 1, lines, STRIDE)]


def write_csv(path: Path, wanted: Iterable[Wanted]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADER)
        for one in wanted:
            writer.writerow(
                [one.kind, one.number, one.from_date, one.benefit, one.case, one.need, one.reference],
            )


def write_xml(path: Path, wanted: Iterable[Wanted], organisation: str) -> None:
    """The same with the service's element names, lines of one kind that follow each other under one element."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"<bestallning><generelltfalt><organisationsnummer>{organisation}</organisationsnummer>")
        file.write("</generelltfalt><informationsfalt>\n")
        for kind, lines in groupby(wanted, lambda one: one.kind):
            file.write(f"<{kind}>\n")
            file.writelines(map(_person, lines))
            file.write(f"</{kind}>\n")
        file.write("</informationsfalt></bestallning>\n")


def _person(one: Wanted) -> str:
    texts = [
        ("personnummer", one.number),
        ("from", one.from_date),
        ("formansinformation", ""),
        ("arendereferens", one.case),
        ("behovsreferens", one.need),
        ("referens", one.reference),
    ]
    asked = f"<formansinformation><{one.benefit}>1</{one.benefit}></formansinformation>"
    written = (asked if name == "formansinformation" else _element(name, text) for name, text in texts)
    return f"<person>{''.join(written)}</person>\n"


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""
