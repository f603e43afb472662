"""True documents for tests that read deliveries, written and put in place as a release does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benefits import content
from benefits.catalogue import catalogue
from deliveries import document, storage
from deliveries.changes import BlockChange, Item, Known, Said, compare
from deliveries.models import Delivery
from subscriptions.models import Watch
from tests.factories import AT, DeliveryFactory

SICKNESS_CASE = {
    "startades": "2026-09-28",
    "aktivt": True,
    "beslut": [
        {
            "fattades": "2026-10-05",
            "period": {"fran": "2026-10-01", "till": "2026-10-31"},
            "omfattning": {"taljare": 1, "namnare": 2},
            "beslutsutfall": "BEVILJAN",
            "ersattningsdagar": [
                {
                    "ersattningsdatum": f"2026-10-{day:02}",
                    "ersattningsbelopp": {"summa": "1234.50", "valuta": "SEK"},
                }
                for day in range(1, 4)
            ],
        }
    ],
}

HEAD = document.Head(
    organisation_number="5560000001",
    unit="",
    agreement="AVTAL-1",
    purpose="skadereglering",
    number=1,
    previous_sha256="",
    run=1,
    kind="nightly",
    day=AT.date(),
    created=AT,
    as_of_import=1,
    as_of_law=1,
    sources=[
        document.SourceLine("FK", "OK", 1),
        document.SourceLine("PM", "OTILLGANGLIG", 0),
    ],
    benefits=[("FK:SJP", 1)],
    final=False,
)

# A block of one watch's sickness cases, whose digests are true unless a test says otherwise.
CASES = catalogue().sections["sjukpenningarende"]
TRUE = content.digest(CASES.fields, SICKNESS_CASE) or ""
EMPTY, FULL = content.block_digest(CASES.name, []), content.block_digest(CASES.name, [TRUE])


def an_item(id_: str = TRUE, case: dict[str, Any] = SICKNESS_CASE) -> Said:
    return Said(id_, "", "", case)


def a_block(
    watch: int, *items: Said, before: str = EMPTY, after: str = FULL, removed: tuple[str, ...] = ()
) -> document.Block:
    return document.Block(watch, "FK:SJP", CASES, before, after, BlockChange(list(items), list(removed)))


def digest(n: int) -> str:
    return f"{n:064x}"


def said_of(
    watch: Watch,
    *,
    complete: bool = True,
    status: str = "1",
    reason: str = "",
    items: Sequence[dict[str, Any]] = (SICKNESS_CASE,),
    told: Sequence[Known] = (),
    name: str = "Karin Testsson",
) -> document.Entry:
    """What a document says of a watch: its header, and its sickness cases compared to what was told."""
    entry = document.Entry(number=watch.ordered_number, complete=complete)
    order_name = catalogue().benefits[watch.benefit].order_name
    entry.statuses.append(document.Status(watch=watch.pk, benefit=order_name, code=status, reason=reason))
    header = {"personnummer": watch.ordered_number, "namn": name, "foddes": "1950-01-01"}
    for section, contents in (("person", [header]), ("sjukpenningarende", items)):
        now = [Item(Known(digest(n)), one) for n, one in enumerate(contents, start=1)]
        change = compare(told if section != "person" else [], now)
        entry.blocks.append(
            document.Block(
                watch=watch.pk,
                benefit=watch.benefit,
                section=catalogue().sections[section],
                before="",
                after=digest(9),
                change=change,
            )
        )
    return entry


def delivered(entries: Sequence[document.Entry], *, number: int = 1, **fields: Any) -> Delivery:
    """A released delivery with its document."""
    stream = fields["stream"]
    sha256, writer = written(
        entries,
        organisation_number=stream.agreement.customer.organisation_number,
        unit=stream.agreement.customer.unit,
        agreement=stream.agreement.code,
        purpose=stream.purpose,
        number=number,
        final=fields.get("final", False),
    )
    return DeliveryFactory(
        number=number, sha256=sha256, size=writer.size, persons=writer.persons, blocks=writer.blocks, **fields
    )


def written(entries: Sequence[document.Entry], **fields: Any) -> tuple[str, document.Writer]:
    """Write a document and put it in place; return its hash, and the writer that counted it. Needs no database."""
    draft = storage.temporary()
    with draft.open("wb") as file:
        writer = document.Writer(file, replace(HEAD, **fields))
        writer.add(entries)
        sha256 = writer.close()
    storage.keep(draft, sha256)
    return sha256, writer
