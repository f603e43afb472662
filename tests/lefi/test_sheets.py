"""Rows for spreadsheets."""

from hypothesis import given
from hypothesis import strategies as st

from lefi import sheets


@given(st.text())
def test_no_cell_is_a_formula(written):
    shown = sheets.row([written]).lstrip('"')

    assert not shown.startswith(("=", "+", "-", "@", "\t"))


def test_what_is_not_there_is_an_empty_cell_and_a_separator_is_quoted():
    assert sheets.row([None, 1, "a;b"]) == ';1;"a;b"\r\n'


def test_a_formula_is_shown_and_not_reckoned_with():
    assert sheets.row(["=1+1", "-2", "3"]) == "'=1+1;'-2;3\r\n"
