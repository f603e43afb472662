"""Rows for spreadsheets."""

from hypothesis import given
from hypothesis import strategies as st

from lefi import sheets


@given(st.text())
def test_no_cell_is_a_formula(written):
    shown = sheets.row([written]).lstrip('"')

    assert not shown.startswith(("=", "+", "-", "@", "\t"))


@given(st.text() | st.text().map("'-{}".format))
def test_what_was_kept_from_reckoning_is_read_as_it_was_written(text):
    assert sheets.written(sheets.shown(text)) == text


def test_a_table_comes_in_pieces_worth_sending():
    pieces = list(sheets.table(["a"], ([n] for n in range(sheets.PIECE + 1))))

    assert len(pieces) == 3
    assert pieces[0] == "\ufeffa\r\n" and pieces[2] == f"{sheets.PIECE}\r\n"


def test_what_is_not_there_is_an_empty_cell_and_a_separator_is_quoted():
    assert sheets.row([None, 1, "a;b"]) == ';1;"a;b"\r\n'


def test_a_formula_is_shown_and_not_reckoned_with():
    assert sheets.row(["=1+1", "-2", "3"]) == "'=1+1;'-2;3\r\n"
