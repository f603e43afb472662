"""What a file of consents may look like, and how one that is not so is refused."""

from datetime import date

import pytest

from subscriptions.consentfile import MOST_LINES, FileRefused, Given, read_csv

SWEDISH = (
    "Personnummer;Ändamål;Förmåner;Uppgiftsklasser;Giltigt från;Giltigt till;Lämnat den;Underlag;Lämnat av\n"
    "19900101-2385;skadereglering;sjukpenning FK:FP;period extent;2026-11-01;2027-10-31;2026-10-30;F 17;själv\n"
)
ENGLISH = (
    "identity_number,purpose,benefits,classes,valid_from,valid_to,given_on,evidence,giver\n"
    '19900101-2385,skadereglering,"sjukpenning,FK:FP",period|extent,2026-11-01,2027-10-31,2026-10-30,F 17,self\n'
)
SAID = Given(
    number="19900101-2385",
    purpose="skadereglering",
    benefits=("sjukpenning", "FK:FP"),
    classes=("period", "extent"),
    valid_from=date(2026, 11, 1),
    valid_to=date(2027, 10, 31),
    given_on=date(2026, 10, 30),
    evidence="F 17",
)


def line(**cells: str) -> bytes:
    """A file with one line, made of the Swedish one."""
    header, row = SWEDISH.splitlines()
    values = dict(zip(header.split(";"), row.split(";"), strict=True)) | cells
    return f"{header}\n{';'.join(values.values())}\n".encode()


WRONG = {
    "nothing": (b"", "FILE_FORM"),
    "a header alone": (SWEDISH.splitlines()[0].encode(), "FILE_FORM"),
    "another encoding": (SWEDISH.encode("latin-1"), "FILE_FORM"),
    "a column too few": (SWEDISH.replace("Underlag", "Belägg").encode(), "FILE_FORM"),
    "a column that is not known": (SWEDISH.replace(";Lämnat av", ";Telefon").encode(), "FILE_FORM"),
    "a column twice": (SWEDISH.replace(";Lämnat av", ";Evidence").encode(), "FILE_FORM"),
    "a quote that does not end": (SWEDISH.replace("F 17", '"F 17').encode(), "FILE_FORM"),
    "a NUL": (SWEDISH.replace("F 17", "F\0").encode(), "FILE_FORM"),
    "too many lines": (SWEDISH.encode() + b"x\n" * MOST_LINES, "FILE_TOO_LONG"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_file_that_cannot_be_read_is_refused_whole_and_the_refusal_repeats_nothing_of_it(what):
    body, code = WRONG[what]

    with pytest.raises(FileRefused) as refused:
        read_csv(body)

    assert refused.value.code == code
    assert "1990" not in str(refused.value) and "Telefon" not in refused.value.sentence


FAULTS = {
    "a day that is none": ({"Giltigt från": "2026-02-30"}, "DATE_INVALID"),
    "a day written otherwise": ({"Giltigt till": "1/2 2026"}, "DATE_INVALID"),
    "a giver that is not known": ({"Lämnat av": "grannen"}, "GIVER_UNKNOWN"),
    "a cell too many": ({"Lämnat av": "själv;ja"}, "LINE_FORM"),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_of_one_line_is_the_lines_own(what):
    cells, code = FAULTS[what]

    (given,) = read_csv(line(**cells))

    assert given.fault == code


@pytest.mark.parametrize("body", [SWEDISH, ENGLISH, "\ufeff" + SWEDISH, SWEDISH.replace("\n", "\r\n") + "\r\n"])
def test_swedish_and_english_with_or_without_a_mark_say_the_same(body):
    assert read_csv(body.encode()) == [SAID]


def test_an_end_and_a_giver_may_be_left_out():
    (given,) = read_csv(line(**{"Giltigt till": "", "Lämnat av": ""}))

    assert (given.valid_to, given.giver, given.fault) == (None, "self", "")


@pytest.mark.parametrize("written", ["vårdnadshavare", "Guardian", "god man", "förvaltare"])
def test_a_guardian_has_many_names(written):
    assert read_csv(line(**{"Lämnat av": written}))[0].giver == "guardian"
