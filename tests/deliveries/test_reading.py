"""Reading a delivery back: a person at a time, held to its schema, and nothing fetched from outside."""

import tracemalloc
from pathlib import Path

import pytest

from deliveries import reading
from deliveries.document import Writer
from tests.deliveries.test_document import DIGEST, entry
from tests.deliveries.test_round_trip import HEAD, NUMBER


@pytest.fixture
def path(tmp_path) -> Path:
    return write(tmp_path / "leverans.xml", 3)


def write(path: Path, persons: int) -> Path:
    with path.open("wb") as file:
        writer = Writer(file, HEAD)
        writer.add([entry()] * persons)
        writer.close()
    return path


def test_what_was_written_is_read(path):
    reading.validate(path)
    first, *others = reading.read(path)
    [block] = first.blocks

    assert (first.number, first.complete, len(others)) == (NUMBER, False, 2)
    assert first.statuses == [reading.Status(1, "sjukpenning", "3", "ENDED")]
    assert (block.watch, block.benefit, block.section) == (1, "FK:SJP", "sjukpenningarende")
    assert (block.before, block.after, block.removed) == ("", DIGEST, [DIGEST])
    assert block.items == [reading.Item("0" * 64, "ny", "", {"startades": "2026-10-01", "aktivt": True})]


def test_the_head_says_what_it_was_made_of(path):
    head = reading.read_head(path)
    same = ("organisation_number", "unit", "agreement", "purpose", "number", "run", "kind", "day", "created", "final")
    assert [getattr(head, name) for name in same] == [getattr(HEAD, name) for name in same]
    assert (head.as_of_import, head.as_of_law, head.previous_sha256) == (1, 1, "")
    assert (head.sources, head.benefits) == ([reading.Source("FK", "OK", 1)], [("FK:SJP", 1)])
    assert head.reservations == []


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("<startades>", "<okand>x</okand><startades>"),
        ("<aktivt>true", "<aktivt>kanske"),
        (f'efter="{DIGEST}"', 'efter="fel"'),
        ("<avtal>", "<avtal>\x00"),
        ("<lopnummer>1<", "<lopnummer>-1<"),
        ('informationstyp="1"', ""),
    ],
)
def test_a_document_that_does_not_hold_is_refused_without_quoting_it(path, was, becomes):
    path.write_text(path.read_text().replace(was, becomes))
    with pytest.raises(reading.DocumentFault) as fault:
        reading.validate(path)
    assert NUMBER not in str(fault.value)
    assert "line" in str(fault.value)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("end", ["</leverans>", "<slutfalt>", "</person>", "<block "])
def test_a_document_that_was_cut_off_is_refused(path, end, check):
    text = path.read_text()
    path.write_text(text[: text.rindex(end)])
    with pytest.raises(reading.DocumentFault):
        list(reading.read(path, check=check))


@pytest.mark.parametrize(("first", "most"), [(0, 2), (2, 2), (4, 3), (5, 2), (0, 9)])
def test_some_persons_are_read_as_they_stand_without_those_before_them(tmp_path, first, most):
    path = write(tmp_path / "five.xml", 5)

    assert list(reading.read_some(path, first, most)) == list(reading.read(path))[first : first + most]


def test_a_document_without_a_head_is_refused(tmp_path):
    path = tmp_path / "annat.xml"
    path.write_text("<annat/>")
    with pytest.raises(reading.DocumentFault, match="generelltfalt"):
        reading.read_head(path)


def test_entities_are_not_followed(tmp_path, path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hemligt")
    declared = f'<!DOCTYPE leverans [<!ENTITY x SYSTEM "{secret}">]>\n<leverans'
    path.write_text(path.read_text().replace("<leverans", declared, 1).replace(NUMBER, "&x;"))
    try:
        numbers = [one.number for one in reading.read(path, check=False)]
    except reading.DocumentFault:
        numbers = []
    assert "hemligt" not in "".join(numbers)


def test_reading_keeps_one_person_at_a_time(tmp_path):
    def peak(persons: int) -> int:
        path = write(tmp_path / f"{persons}.xml", persons)
        tracemalloc.start()
        assert sum(1 for _ in reading.read(path)) == persons
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(1000) < 2 * peak(50)
