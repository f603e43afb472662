"""Whatever is sent, the readers read it or refuse it: no crash, no growth, and no text that cannot be kept."""

import random
import tracemalloc
from datetime import date

import pytest
from django.conf import settings
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examined
from hypothesis import strategies as st

from benefits.content import NOT_XML
from subscriptions.models import Order
from subscriptions.orders import files
from subscriptions.orders.lines import NEW, OrderRefused
from subscriptions.orders.rows import rows_of
from tests.factories import StreamFactory, identity_number
from tests.workbooks import MEMBERS, packed, sheet, with_sheet, workbook

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 23)
NUMBER = identity_number(7)
TABLE = [
    ["typ", "personnummer", "förmåner", "från", "ärendereferens", "behovsreferens", "referens"],
    ["ny", NUMBER, "sjukpenning, pension", "2026-01-01", "A1", "B1", 'rad "1"'],
    ["avsluta", "bestånd", "", None, None, None, "Åsa"],
]
CSV = "\r\n".join(";".join(f'"{(cell or "").replace(chr(34), chr(34) * 2)}"' for cell in row) for row in TABLE)
XML = f"""<?xml version="1.0" encoding="UTF-8"?><bestallning xmlns="urn:x"><generelltfalt>
<organisationsnummer>2120000001</organisationsnummer></generelltfalt><informationsfalt><{NEW}><person>
<personnummer>{NUMBER}</personnummer><from>2026-01-01</from><formansinformation><sjukpenning>1</sjukpenning>
</formansinformation><referens>a &amp; å</referens></person><bestand/></{NEW}></informationsfalt></bestallning>"""
ROW = f'{{"typ": "{NEW}", "personnummer": "{NUMBER}", "from": "2026-01-01", "formaner": ["x"], "referens": "\\u00e5"}}'
GOOD = {
    Order.Form.XML: XML.encode(),
    Order.Form.CSV: CSV.encode(),
    Order.Form.XLSX: workbook(TABLE),
    Order.Form.JSON: f'{{"organisationsnummer": "2120000001", "rader": [{ROW}]}}'.encode(),
    Order.Form.JSONL: f'{ROW}\n{{"typ": "{NEW}", "bestand": true}}\n'.encode(),
}
HOSTILE = [
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"<", b"&", b"&#0;", b"]]>", b"\\ud800", b"\\u0000", b"\n"),
    *(
        b"<!DOCTYPE x>",
        b"<!--",
        b"<?",
        b"{",
        b"[" * 2000,
        b"9" * 5000,
        b"NaN",
        b"1E+11",
        b";" * 300,
        b"=1+1",
        b"PK\x01\x02",
    ),
    *(
        "\ufffe\uffff\x85\x7f".encode(),
        "Å".encode("cp1252"),
        "😀".encode("utf-16-le"),
        b"\x1b[2J",
        b" encoding='utf-7' ",
    ),
]
patiently = examined(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def stream():
    return StreamFactory(agreement__customer__organisation_number="2120000001", served=True)


def rows(data, form, stream):
    """The rows that a file gives, all the way to where they are kept; or the code of its refusal."""
    path = files.temporary()
    path.write_bytes(data)
    try:
        return list(rows_of(files.read(path, form), stream, DAY))
    except OrderRefused as refused:
        assert NUMBER not in str(refused) and isinstance(refused.row, int)
        return refused.code
    finally:
        path.unlink()


def can_be_kept(found):
    texts = [text for row in found for text in row if isinstance(text, str)] if isinstance(found, list) else []
    return not any(NOT_XML.search(text) or len(text) > 100 for text in texts)


@pytest.mark.parametrize("form", GOOD)
def test_a_sound_file_of_each_form_is_read(stream, form):
    assert len(rows(GOOD[form], form, stream)) > 0


@pytest.mark.parametrize("form", GOOD)
@patiently
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(stream, form, data):
    assert can_be_kept(rows(data, form, stream))


@pytest.mark.parametrize("form", GOOD)
@patiently
@given(
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from(HOSTILE)), min_size=1, max_size=6)
)
@example(changes=[(1.0, 3, b"\x00")])
def test_a_sound_file_with_changes_is_read_or_refused(stream, form, changes):
    """At some places bytes are put in, taken away, or both; or the file is cut off."""
    data = GOOD[form]
    for where, how, what in changes:
        place = int(where * len(data))
        data = data[:place] + (what if how else b"") + (data[place + 3 * (how - 1) :] if how < 3 else b"")
    assert can_be_kept(rows(data, form, stream))


TEXTS = st.text(max_size=60)


@patiently
@given(cells=st.lists(TEXTS, min_size=7, max_size=7))
def test_any_text_in_a_table_s_cell_is_read_or_refused(stream, cells):
    line = ";".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells)
    data = (CSV + "\r\n" + line).encode("utf-8", "surrogatepass")

    assert can_be_kept(rows(data, Order.Form.CSV, stream))


@patiently
@given(inside=st.text(alphabet='<>/crvtsn="1A0 &;aE.', max_size=80), where=st.sampled_from([*MEMBERS, "the sheet"]))
def test_a_workbook_of_any_members_is_read_or_refused(stream, inside, where):
    member = f'<a><row r="1"><c r="A1">{inside}</c></row></a>'
    data = with_sheet(inside) if where == "the sheet" else packed(MEMBERS | {where: member})

    assert can_be_kept(rows(data, Order.Form.XLSX, stream))


LAUGHS = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
BOMBS = {
    "a billion laughs": (
        Order.Form.XML,
        XML.replace("<best", f'<!DOCTYPE b [<!ENTITY a0 "ha">{LAUGHS}]><best', 1).encode(),
    ),
    "one entity, said often": (
        Order.Form.XML,
        XML.replace("<best", f'<!DOCTYPE b [<!ENTITY a "{"a" * 50_000}">]><best', 1)
        .replace("å<", "&a;" * 50_000 + "<")
        .encode(),
    ),
    "very deep": (Order.Form.XML, b"<a>" * 300_000),
    "a zip of zeros": (Order.Form.XLSX, packed(MEMBERS | {"xl/worksheets/sheet1.xml": ["\x00" * 65536] * 2000})),
    "a zip of blanks": (
        Order.Form.XLSX,
        packed(MEMBERS | {"xl/worksheets/sheet1.xml": [sheet("")[:-22], *[" " * 65536] * 2000]}),
    ),
    "laughs in a zip": (
        Order.Form.XLSX,
        packed(
            MEMBERS | {"xl/sharedStrings.xml": f'<!DOCTYPE b [<!ENTITY a0 "ha">{LAUGHS}]><sst><si>&a12;</si></sst>'}
        ),
    ),
    "a quote that never ends": (Order.Form.CSV, CSV.encode() + b'\n"' + b"a\n" * 2_000_000),
    "a line that never ends": (Order.Form.CSV, CSV.encode() + b"\n" + b"a" * 4_000_000),
    "a row that never ends": (Order.Form.JSONL, b'{"typ": "' + b"a" * 4_000_000),
    "deep lists": (Order.Form.JSON, b"[" * 4_000_000),
    "a number of very many digits": (Order.Form.JSON, b'{"rader": [' + b"9" * 4_000_000),
    "more than an order in JSON may be": (Order.Form.JSON, b" " * 20_000_000),
}


@pytest.mark.parametrize(("form", "data"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_in_little_memory(stream, form, data):
    """Its own bytes lie in a file: what is counted is what reading adds."""
    tracemalloc.start()
    found = rows(data, form, stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(found, str)
    assert peak < 32 * 1024 * 1024


class Sparse:
    """A file of ten gigabytes of nothing, that counts how much of it was read."""

    left = 10 * 1024**3
    read_bytes = 0

    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        self.read_bytes += size
        return bytes(size)


@pytest.mark.parametrize("most", [0, 1, files.PIECE - 1, files.PIECE, 3 * files.PIECE + 5])
def test_an_upload_without_an_end_is_refused_one_byte_after_the_last_that_may_come(most):
    sparse = Sparse()
    with pytest.raises(OrderRefused, match="TOO_LARGE"):
        files.take_in(sparse, most=most)

    assert sparse.read_bytes == most + 1
    assert not [*(settings.ORDERS_DIR / "unkept").glob("*")]


def test_a_refused_file_has_given_no_row_that_was_kept(stream):
    """However far a file is sound, one fault in it refuses the whole before any line has had an effect."""
    chance = random.Random(4)
    for form in (Order.Form.CSV, Order.Form.JSONL):
        lines = GOOD[form].splitlines()
        body = b"\n".join([*lines, *chance.choices(lines[1:2], k=50), b'"\x00'])
        path = files.temporary()
        path.write_bytes(body)
        assert rows(body, form, stream) in ("FORM", "NOT_JSON")
    assert not Order.objects.exists()
