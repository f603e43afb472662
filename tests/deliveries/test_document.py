"""Writing a delivery: the same bytes each time, streamed, with its own hash, size and counts."""

import hashlib
import io
import tracemalloc

from benefits.catalogue import catalogue
from deliveries.changes import Item, Known, compare
from deliveries.document import Block, Entry, Status, Writer
from tests.deliveries.test_round_trip import HEAD, NUMBER

DIGEST = "a" * 64


def entry(items: int = 1) -> Entry:
    section = catalogue().sections["sjukpenningarende"]
    now = [Item(Known(f"{n:064x}"), {"startades": "2026-10-01", "aktivt": True}) for n in range(items)]
    block = Block(1, "FK:SJP", section, "", DIGEST, compare([Known(DIGEST)], now))
    return Entry(NUMBER, complete=False, statuses=[Status(1, "sjukpenning", "3", "ENDED")], blocks=[block])


def test_a_document_is_exactly_these_bytes():
    file = io.BytesIO()
    writer = Writer(file, HEAD)
    writer.add([entry()])
    sha256 = writer.close()

    assert hashlib.sha256(file.getvalue()).hexdigest() == sha256
    assert (writer.size, writer.persons, writer.blocks) == (len(file.getvalue()), 1, 1)
    assert file.getvalue().decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<leverans xmlns="urn:lefi:prenumeration:leverans:1" schemaversion="1.0">\n'
        "<generelltfalt><organisationsnummer>5560000001</organisationsnummer><avtal>AVTAL-1</avtal>"
        "<andamal>test</andamal><lopnummer>1</lopnummer><foregaende></foregaende><korning>1</korning>"
        "<slag>nightly</slag><beslutsdag>2026-11-02</beslutsdag><skapad>2026-11-02T21:00:00+00:00</skapad>"
        "<tillImport>1</tillImport><tillLagandring>1</tillLagandring>"
        '<kalla namn="FK" tillstand="OK" fullstandigTillImport="1"/>'
        '<forman kod="FK:SJP" fullstandigTillImport="1"/><avslutar>false</avslutar></generelltfalt>\n'
        "<informationsfalt>\n"
        f'<person informationstyp="1"><personnummer>{NUMBER}</personnummer>'
        '<statusBestallning bevakning="1"><kundStatus>3</kundStatus>'
        "<formansinformation><sjukpenning>1</sjukpenning></formansinformation><orsak>ENDED</orsak>"
        "</statusBestallning>\n"
        f'<block bevakning="1" forman="FK:SJP" sektion="sjukpenningarende" fore="" efter="{DIGEST}">'
        f'<sjukpenningarende id="{"0" * 64}" andring="ny"><startades>2026-10-01</startades><aktivt>true</aktivt>'
        f'</sjukpenningarende><borttagen id="{DIGEST}"/></block></person>\n'
        "</informationsfalt>\n<slutfalt><personer>1</personer><block>1</block></slutfalt>\n</leverans>\n"
    )


class Sink(io.RawIOBase):
    """A file that keeps nothing."""

    def write(self, data) -> int:
        return len(data)


def test_memory_does_not_grow_with_the_document():
    def peak(times: int) -> int:
        writer = Writer(Sink(), HEAD)  # type: ignore[arg-type]
        tracemalloc.start()
        for _ in range(times):
            writer.add([one])
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    one = entry(20)
    peak(1)
    assert peak(400) < 2 * peak(20)
