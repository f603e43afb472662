r"""Keep identity numbers out of the logs, whatever was logged; and the secrets that stand in addresses.

The rule: six to eight digits, perhaps a sign, and four digits are masked wherever they stand, in words,
paths and JSON too, unless more digits follow or go before. No check digit is asked for: a mistyped number
points at a person as well. So some other numbers (a telephone number, a time in whole seconds) are
masked with them. Longer runs of digits stay. Three forms stay because they cannot be a number as a
whole: a UUID, a hexadecimal digest of a usual length (both only if they hold a letter), and an ISO time
with microseconds and an offset.

A sign is - or +, also in URL encoding, or any dash that a word processor makes of it. White space counts
as a sign only after what may be a day of birth, so that two counts side by side stay readable.

An address that by itself lets in whoever has it (an invitation, an application, a new password, a broker's answer) is
logged without what makes it so.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any

MASK = "[masked]"
DEEPEST = 20  # nested values; what lies deeper is masked unread, so a circle ends

_KEPT = r"""
    (?<![0-9a-z]) (?=[0-9-]{0,35}[a-f])
        [0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} (?![0-9a-z])
  | (?<![0-9a-z]) (?=[0-9]{0,127}[a-f])
        (?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128}) (?![0-9a-z])
  | (?<!\d) \d{4}-\d\d-\d\d [t\ ] \d\d:\d\d:\d\d [.,]\d{6} [-+]\d{4} (?!\d)
"""
# The digits of an escape before the number, as in "%20" or "\u00e5", are not part of its run.
_START = r"(?: (?<!\d) | (?<=%[0-9a-f]{2}) | (?<=\\u[0-9a-f]{4}) | (?<=\\x[0-9a-f]{2}) )"
_SIGN = r"(?: [-+\u2010-\u2015\u2212] | %2b | %2d )"
_BIRTH_DAY = r"(?:\d\d)? \d\d (?:0[1-9]|1[0-2]) (?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])"
_NUMBER = rf"{_START} (?: \d{{6,8}} {_SIGN}? | {_BIRTH_DAY} \s? {_SIGN}? \s? ) \d{{4}} (?!\d)"
_PATTERN = re.compile(rf"(?P<kept>{_KEPT})|{_NUMBER}", re.VERBOSE | re.IGNORECASE)

# What follows these is known to those alone whom it was given to.
_SECRET = re.compile(
    r"""
    (?P<address> (?<!subscriptions) / (?: invitation | connect (?:/draft)? | accounts/password/reset/key ) / )
    [^/?\s"'\\]+
  | (?P<answer> /login/callback/ \? ) [^\s"'\\]+
    """,
    re.VERBOSE,
)

# What a browser refuses to send: a text that is a day of birth and four more digits. A search by number is logged.
NO_IDENTITY_NUMBER = (
    r"(?!\s*(\d\d)?\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])\s*[\-+]?\s*\d{4}\s*$).*"
)
_ORGANISATION = re.compile(r"(?<!\d)\d\d[2-9]\d{3}-?\d{4}(?!\d)")

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def mask_identity_numbers(text: str) -> str:
    """Replace everything that looks like an identity number, by the rule of this module."""
    return _PATTERN.sub(lambda match: match[0] if match["kept"] else MASK, text)


def holds_identity_number(text: str) -> bool:
    """Whether a text that is sought holds what looks like a person's number; an organisation's is none."""
    sought = _ORGANISATION.sub("", text)
    return mask_identity_numbers(sought) != sought


def _written(text: str) -> str:
    """A text as it may stand in a log."""
    return mask_identity_numbers(_SECRET.sub(lambda match: (match["address"] or match["answer"]) + MASK, text))


def masking_processor(logger: Any, method: str, event_dict: MutableMapping[str, Any]) -> dict[str, Any]:
    """Mask an event of structlog in all its keys and values; the last processor before the renderer.

    An exception not yet rendered (`exc_info`) becomes masked text under `exception`, so that no
    later step can print what was masked here.
    """
    event = dict(event_dict)
    exc_info = event.pop("exc_info", None)
    if exc_info:
        event["exception"] = _exception_text(exc_info)
    return {_masked(key): _masked(value) for key, value in event.items()}


class MaskingFilter(logging.Filter):
    """Mask a record of the standard library's logging; belongs on every handler. Lets all through.

    The message is put together first, so that a number spread over arguments is found. The text of
    an exception is prepared for the formatter; `exc_info` itself is left for a formatter that masks it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _message(record), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _exception_text(record.exc_info)
        for name in ("exc_text", "stack_info"):
            text = getattr(record, name)
            setattr(record, name, _written(text) if text else text)
        for name in vars(record).keys() - _RECORD_ATTRIBUTES:
            setattr(record, name, _masked(getattr(record, name)))
        return True


def _message(record: logging.LogRecord) -> Any:
    """The masked message with its arguments; an event of structlog stays a dict."""
    if isinstance(record.msg, dict) and not record.args:
        return masking_processor(None, "", record.msg)
    try:
        return _written(record.getMessage())
    except Exception:  # a faulty log call must neither stop the work nor print its arguments unmasked
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return _written(f"{text} [arguments do not fit]")


def _masked(value: Any, depth: int = 0) -> Any:
    """The value with every text and number in it masked; other kinds of objects as they are."""
    if isinstance(value, int):
        return MASK if 10**9 <= abs(value) < 10**12 else value  # 10 to 12 digits
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    elif isinstance(value, BaseException):
        value = repr(value)
    if isinstance(value, str):
        return _written(value)
    return _masked_within(value, depth)


def _masked_within(value: Any, depth: int) -> Any:
    """A copy of a collection with all in it masked, as a dict, list or tuple; two keys masked become one."""
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        return value
    if depth == DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {_masked(key, depth + 1): _masked(item, depth + 1) for key, item in value.items()}
    items = [_masked(item, depth + 1) for item in value]
    return items if isinstance(value, list) else tuple(items)


def _exception_text(exc_info: Any) -> str:
    """The masked traceback of what logging and structlog call exc_info: an exception, a triple or True."""
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    kind: type[BaseException] | None
    error: BaseException | None
    trace: TracebackType | None
    kind, error, trace = exc_info
    return _written("".join(traceback.format_exception(kind, error, trace)).rstrip())
