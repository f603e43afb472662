"""Mails, notices and log lines hold counts, days and row numbers: never a person, a case or a reference."""

import ast
import re
from collections.abc import Iterator

import pytest

from subscriptions.notices import WORDS
from tests.test_architecture import files

# `reason` is what a member of staff wrote about an application or an agreement; numbers are refused in it.
IN_NOTICES = {"agreement", "basis", "day", "kid", "number", "reason", "use_instead", "version", "watches"}
IN_LOGS = {
    *("as_of_import", "candidates", "code", "day", "delivery", "error", "notice", "number", "order", "run"),
    *("sequence", "source", "stream", "stream_run", "streams", "tries"),
    *("aim", "benefit", "changes", "check", "debts", "deliveries", "faults", "form", "kid", "kind", "limit", "purge"),
    *("reconciliation", "reversal", "row", "size", "status", "version", "watches", "whole", "why", "wrong"),
}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
ADDRESSES = {"at"}  # when, and to whom: no part of what is said


def calls() -> Iterator[tuple[str, ast.Call]]:
    for module, path in files().items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield module, node


def named(call: ast.Call) -> set[str]:
    return {one.arg for one in call.keywords if one.arg}


def is_logged(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and isinstance(function.value, ast.Name)
        and function.value.id == "log"
    )


def is_notice(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in ("notify", "notify_applicant")


@pytest.mark.parametrize("code", WORDS)
def test_a_notice_can_say_nothing_about_a_person(code):
    said = f"{WORDS[code].subject} {WORDS[code].body}"

    assert set(re.findall(r"%\((\w+)\)", said)) <= IN_NOTICES


def test_no_notice_is_given_other_details():
    given = [(module, named(call) - ADDRESSES - IN_NOTICES) for module, call in calls() if is_notice(call)]

    assert len(given) > 5
    assert not [one for one in given if one[1]]


def test_no_log_line_is_given_more_than_counts_days_codes_and_row_numbers():
    given = [(module, named(call) - IN_LOGS) for module, call in calls() if is_logged(call)]

    assert len(given) > 5
    assert not [one for one in given if one[1]]


def test_a_log_line_is_a_fixed_word_and_no_text_made_up_on_the_way():
    lines = [(module, call) for module, call in calls() if is_logged(call)]

    assert not [
        (module, call.lineno)
        for module, call in lines
        if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant)
    ]
