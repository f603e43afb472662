import io
import json
import logging
import time
import uuid
from datetime import date

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from lefi.masking import MASK, MaskingFilter, mask_identity_numbers, masking_processor

NUMBER = "199001012385"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("199001012385", MASK),
        ("19900101-2385", MASK),
        ("19200101+2385", MASK),
        ("9001012385", MASK),
        ("900101-2385", MASK),
        ("900161-2385", MASK),  # coordination number
        ("19900101-2386", MASK),  # the check digit is not asked for
        ("19909999-2385", MASK),  # nor the day
        ("90010112385", MASK),  # one digit too many or too few
        ("no person 199001012385, or 900101-2385.", f"no person {MASK}, or {MASK}."),
        ("/persons/199001012385/benefits", f"/persons/{MASK}/benefits"),
        ("order_199001012385.xml", f"order_{MASK}.xml"),
        ("person19900101-2385abc", f"person{MASK}abc"),
        ('{"personnummer": "199001012385", "n": 1}', f'{{"personnummer": "{MASK}", "n": 1}}'),
        ("?person=19200101%2B2385&x=1", f"?person={MASK}&x=1"),
        ("?person=19900101%2d2385", f"?person={MASK}"),
        ("?q=%20199001012385", f"?q=%20{MASK}"),
        (r"f\u00f6r\u00e5199001012385", rf"f\u00f6r\u00e5{MASK}"),
        (r"b'\xc3\xa5199001012385'", rf"b'\xc3\xa5{MASK}'"),
        ("19900101–2385", MASK),  # en dash
        ("19900101−2385", MASK),  # minus
        ("19900101 2385", MASK),
        ("900101 - 2385", MASK),
        ("19900101\u00a02385", MASK),
        ("2-199001012385-3", f"2-{MASK}-3"),
        ("abc199001012385def", f"abc{MASK}def"),  # hexadecimal, but no digest
        ("00000000-0000-0000-0000-199001012385", f"{MASK}-0000-0000-{MASK}"),
        ("0701234567", MASK),  # a telephone number: masked too, by the rule
        ("1795425600", MASK),  # whole seconds: likewise
        ("run-20261123-1800.log", f"run-{MASK}.log"),
    ],
)
def test_what_looks_like_a_number_is_masked_wherever_it_stands(text, masked):
    assert mask_identity_numbers(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nothing here",
        "2026-11-23T18:00:00+01:00",
        "2026-11-23T18:00:00.123456+0100",
        "2026-11-23 18:00:00,123456-0100",
        "2026-11-23T18:00:00.123456Z",
        "20261123T180000",
        "20261123180000",  # fourteen digits
        "12345678901234567890",
        "1795425600123",  # thousandths of seconds
        "processed 500000 1234",  # no day of birth
        "2021005",
        "1 234 567 890",
        "12345678-1234-4abc-8def-123456789012",
        "12345678-1234-4ABC-8DEF-123456789012",
        "request 12345678-1234-7123-8123-12345678901f done",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "1234567890ab1234567890ab1234567890ab1234567890ab1234567890ab1234",
        "sha256_1234567890ab1234567890ab1234567890ab1234567890ab1234567890ab1234.jsonl",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_what_cannot_be_a_number_stays_readable(text):
    assert mask_identity_numbers(text) == text


@given(st.uuids(version=4))
def test_a_random_uuid_stays_readable(identifier):
    if any(letter in str(identifier) for letter in "abcdef"):
        assert mask_identity_numbers(f"id={identifier}") == f"id={identifier}"


def test_a_number_dressed_as_a_uuid_is_masked():
    assert NUMBER not in mask_identity_numbers(str(uuid.UUID(f"00000000-0000-4000-8000-{NUMBER}")))


surroundings = st.text(alphabet="abcxyzåäö /_-:.,\"'{}[]()=&\n", max_size=8)
births = st.dates(date(1900, 1, 1), date(2026, 11, 23))


@given(surroundings, births, st.integers(0, 9999), st.sampled_from(["", "-", "+", " "]), surroundings)
def test_no_number_survives_in_any_surroundings(before, born, last, sign, after):
    for day in (f"{born:%Y%m%d}", f"{born:%y%m%d}"):
        masked = mask_identity_numbers(f"{before}{day}{sign}{last:04}{after}")

        assert masked == f"{before}{MASK}{after}"


@pytest.mark.parametrize("piece", ["900101-", "%20", "a1", "1", " ", "19900101 "])
def test_a_long_text_takes_time_in_proportion_to_its_length(piece):
    started = time.process_time()

    mask_identity_numbers(piece * 20_000)

    assert time.process_time() - started < 2  # a search that starts over at each place takes far longer


@given(st.text())
def test_masking_twice_is_masking_once(text):
    once = mask_identity_numbers(text)

    assert mask_identity_numbers(once) == once


TOKEN = "3f0c1b9a-55d2-4e7b-9d57-0a6c8f1e2b3d"


@pytest.mark.parametrize(
    ("address", "logged"),
    [
        ("GET /invitation/hV3x_-9Qk2/", f"GET /invitation/{MASK}/"),
        ("Gone: /invitation/hV3x_-9Qk2/", f"Gone: /invitation/{MASK}/"),
        (f"GET /connect/{TOKEN}/", f"GET /connect/{MASK}/"),
        (f"POST /connect/{TOKEN}/message/", f"POST /connect/{MASK}/message/"),
        (f"GET /connect/draft/{TOKEN}/summary/", f"GET /connect/draft/{MASK}/summary/"),
        (f"https://lefi.example/connect/{TOKEN}/", f"https://lefi.example/connect/{MASK}/"),
        ("GET /accounts/password/reset/key/1-c8x-5f/", f"GET /accounts/password/reset/key/{MASK}/"),
        (
            "GET /accounts/oidc/freja/login/callback/?code=a/b&state=c",
            f"GET /accounts/oidc/freja/login/callback/?{MASK}",
        ),
    ],
)
def test_an_address_that_lets_in_whoever_has_it_is_logged_without_what_makes_it_so(address, logged):
    record = logging.makeLogRecord({"msg": "%s", "args": (address,)})
    MaskingFilter().filter(record)

    assert masking_processor(None, "info", {"request": address}) == {"request": logged}
    assert record.msg == logged


@pytest.mark.parametrize(
    "address",
    [
        "GET /connect/?kind=socialnamnd",
        "GET /invitation/",
        "GET /watches/?state=ended",
        "GET /admin/subscriptions/invitation/17/change/",
        "GET /admin/subscriptions/connection/17/accept/",
    ],
)
def test_other_addresses_stay_readable(address):
    assert masking_processor(None, "info", {"request": address}) == {"request": address}


def test_an_event_is_masked_in_all_its_depth_and_keys():
    event = {
        "event": f"ordered {NUMBER}",
        NUMBER: "key",
        "int": 199001012385,
        "short": 9001012385,
        "nested": [{"a": ("900101-2385", 1), 9001012385: None}, {"900101-2385"}],
        "bytes": NUMBER.encode(),
        "error": ValueError(f"bad {NUMBER}"),
    }

    masked = masking_processor(None, "info", event)

    assert masked == {
        "event": f"ordered {MASK}",
        MASK: "key",
        "int": MASK,
        "short": MASK,
        "nested": [{"a": (MASK, 1), MASK: None}, (MASK,)],
        "bytes": MASK,
        "error": f"ValueError('bad {MASK}')",
    }
    assert event["int"] == 199001012385  # the caller's own is left alone


@pytest.mark.parametrize("value", [0, 1, True, -5, 123456789, 1234567890123, None, 0.5, date(1990, 1, 1)])
def test_other_values_are_left_as_they_are(value):
    assert masking_processor(None, "info", {"value": value})["value"] is value


def test_a_circle_of_values_ends():
    circle: list = [NUMBER]
    circle.append(circle)

    assert NUMBER not in repr(masking_processor(None, "info", {"circle": circle}))


def raised() -> Exception:
    try:
        try:
            raise KeyError(NUMBER)
        except KeyError as cause:
            raise ValueError("of 900101-2385") from cause
    except ValueError as error:
        return error


def test_an_exception_becomes_masked_text_with_its_causes():
    error = raised()

    for exc_info in (error, (type(error), error, error.__traceback__)):
        masked = masking_processor(None, "error", {"event": "failed", "exc_info": exc_info})
        assert "exc_info" not in masked
        assert f"ValueError: of {MASK}" in masked["exception"]
        assert f"KeyError: '{MASK}'" in masked["exception"]


def test_exc_info_true_means_the_exception_being_handled():
    try:
        raise ValueError(NUMBER)
    except ValueError:
        masked = masking_processor(None, "error", {"exc_info": True})

    assert masked["exception"].endswith(f"ValueError: {MASK}")


def test_structlog_writes_masked_json():
    out = io.StringIO()
    log = structlog.wrap_logger(
        structlog.PrintLogger(out), processors=[masking_processor, structlog.processors.JSONRenderer()]
    )

    try:
        raise ValueError(NUMBER)
    except ValueError:
        log.exception("failed", person=NUMBER, persons=[199001012385])

    line = json.loads(out.getvalue())
    assert (line["event"], line["person"], line["persons"]) == ("failed", MASK, [MASK])
    assert NUMBER not in out.getvalue()


@pytest.fixture
def written():
    """A logger of the standard library behind the filter, and what it wrote."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(MaskingFilter())
    logger = logging.Logger("test")  # not getLogger: kept out of the registry
    logger.addHandler(handler)
    return logger, out


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ((f"of {NUMBER}",), f"of {MASK}"),
        (("of %s", NUMBER), f"of {MASK}"),
        (("of %d", int(NUMBER)), f"of {MASK}"),
        (("of %(person)s", {"person": NUMBER}), f"of {MASK}"),
        (("of %s-%s", "19900101", "2385"), f"of {MASK}"),
        (("100 %% of %s", NUMBER), f"100 % of {MASK}"),
        ((f"100 % of {NUMBER}",), f"100 % of {MASK}"),
        ((ValueError(NUMBER),), MASK),
        (("two %s %s", NUMBER), "two %s %s [arguments do not fit]"),
        (("plain %s", "words"), "plain words"),
    ],
)
def test_a_record_is_written_masked(written, call, line):
    logger, out = written

    logger.warning(*call)

    assert out.getvalue().rstrip("\n") == line


def test_the_traceback_of_a_record_is_masked(written):
    logger, out = written

    try:
        raise ValueError(f"of {NUMBER}")
    except ValueError:
        logger.exception("failed")

    assert f"ValueError: of {MASK}" in out.getvalue()
    assert NUMBER not in out.getvalue()


def test_extra_attributes_and_events_of_structlog_in_a_record_are_masked():
    record = logging.makeLogRecord(
        {"msg": {"event": "failed", "person": NUMBER}, "person": NUMBER, "exc_text": f"ValueError: {NUMBER}"}
    )

    assert MaskingFilter().filter(record) is True

    assert record.msg == {"event": "failed", "person": MASK}
    assert (record.person, record.exc_text) == (MASK, f"ValueError: {MASK}")


def test_the_exception_itself_is_left_for_a_formatter_that_masks():
    error = raised()
    exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), exc_info)

    MaskingFilter().filter(record)

    assert record.exc_info is exc_info
    assert record.exc_text is not None and MASK in record.exc_text and NUMBER not in record.exc_text


def test_a_log_call_with_a_broken_value_stops_nothing(written):
    logger, out = written

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(NUMBER)

    logger.warning("of %s", Broken())

    assert out.getvalue() == "of %s [arguments do not fit]\n"
