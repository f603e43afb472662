"""What waits for somebody as the story ends: a preview, an order with faults, one refused; and one to send oneself.

And a list of watches that has been compared, with differences to mend.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from deliveries import reconciliation
from deliveries.demo.cast import Organisation
from deliveries.demo.orders import MOST_BYTES, NO_PERSON, order_name, reference_name, send, table
from deliveries.models import Reconciliation, Told
from subscriptions.models import Order, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.orders import files
from subscriptions.orders.lines import Line
from subscriptions.orders.placing import place_order

SINGLE, PREVIEW, FAULTY, OWN, LISTED = slice(0, 1), slice(1, 13), slice(13, 33), slice(33, 56), slice(56, 60)
MISSING, MISSED = 5, 3  # watches that the list of watches lacks, and of which a delivery was missed


@dataclass(frozen=True, slots=True)
class Scene:
    """A portal stream with persons who are watched in it and persons who are not."""

    stream: Stream
    organisation: Organisation
    benefits: Sequence[str]
    known: Sequence[str]
    strangers: Sequence[str]
    at: datetime


def path() -> Path:
    """The file that whoever looks at the demo can send in the portal."""
    return settings.VAR_DIR / "demo-order.csv"


def orders(scene: Scene) -> Iterator[Order]:
    """One person, by the case worker; then the files of who handles them."""
    yield _single(scene)
    by = _user("integration")
    preview = _text(scene, _new(scene, PREVIEW))
    yield _send(scene, preview, by, file_name="nya-i-november.csv", aim=Order.Aim.PREVIEW)
    faulty = _text(scene, [*_new(scene, FAULTY), *_faults(scene)])
    yield _send(scene, faulty, by, file_name="bevakningar.csv")
    yield _send(scene, "<bestallning><generelltfalt>", by, file_name="avbruten.xml", form=Order.Form.XML)
    path().write_text(_text(scene, [*_new(scene, OWN), *_faults(scene)]), encoding="utf-8")


def send_list(scene: Scene) -> Reconciliation:
    """The list of who handles files, compared: some watches are not in it, some only there, some not as was told."""
    received = files.take_in(BytesIO(_list(scene).encode()), most=MOST_BYTES)
    by = _user("integration")
    made = reconciliation.receive(
        stream=scene.stream, received=received, form=Reconciliation.Form.CSV, at=scene.at, sent_by=by
    )
    return reconciliation.compare(made.pk)


def _list(scene: Scene) -> str:
    open_ones = list(Watch.objects.open().filter(stream=scene.stream).order_by("pk"))
    told = Told.objects.filter(watch__in=open_ones, replaced_by=None).exclude(items="").order_by("watch_id")
    missed = set(list(dict.fromkeys(told.values_list("watch_id", flat=True)))[:MISSED])
    rows = [";".join(["personnummer", "forman", "tillstand", "from", reference_name(scene.stream)])]
    for one in open_ones[:-MISSING]:
        state = reconciliation.state_hash([]) if one.pk in missed else ""
        rows.append(f"{one.ordered_number};{one.benefit};{state};{one.from_date};{one.case_reference}")
    for row in _new(scene, LISTED):
        rows.append(f"{row['personnummer']};{row['formaner']};;{row['from']};{row[reference_name(scene.stream)]}")
    return "\n".join([*rows, ""])


def _single(scene: Scene) -> Order:
    day = scene.at.date()
    (number,) = scene.strangers[SINGLE]
    lines = [Line(OrderKind.NEW, number, scene.benefits[0], day, f"{day:%Y}-9999")]
    by = _user("handlaggare")
    return place_order(stream=scene.stream, channel=Order.Channel.PORTAL, lines=lines, at=scene.at, ordered_by=by)


def _send(scene: Scene, text: str, by: Any, form: str = Order.Form.CSV, **said: Any) -> Order:
    return send(scene.stream, scene.organisation, text, form, scene.at, ordered_by=by, **said)


def _text(scene: Scene, rows: Sequence[dict[str, str]]) -> str:
    return table(reference_name(scene.stream), rows)


def _new(scene: Scene, which: slice) -> list[dict[str, str]]:
    return [_row(scene, number, place) for place, number in enumerate(scene.strangers[which], start=1)]


def _row(scene: Scene, number: str, place: int, **said: str) -> dict[str, str]:
    """A new watch; what is said takes the place of what it would say, `reference` of the reference."""
    day = scene.at.date()
    row = {
        "typ": str(OrderKind.NEW),
        "personnummer": number,
        "formaner": order_name(scene.benefits[place % len(scene.benefits)]),
        "from": f"{day - timedelta(days=30):%Y-%m-%d}",
        reference_name(scene.stream): said.pop("reference", f"{day:%Y}-{7000 + place}"),
    }
    return row | said


def _faults(scene: Scene) -> list[dict[str, str]]:
    """A row for most of what can be wrong with one, on persons of the file and others."""
    first, *others = scene.strangers[FAULTY]
    cancel = str(OrderKind.CANCEL)
    long_ago = f"{scene.at.date() - timedelta(days=3650):%Y-%m-%d}"
    faults: list[tuple[str, dict[str, str]]] = [
        (NO_PERSON, {}),
        (f"{first[0]},{first[1:6]}E+11", {}),
        (others[0], {"formaner": "guldtackor"}),
        (others[1], {"formaner": "skatteuppgift"}),
        (others[2], {"formaner": "foraldrapenning", "from": ""}),
        (others[3], {"formaner": "foraldrapenning", "from": "i fjol"}),
        (others[4], {"formaner": "foraldrapenning", "from": long_ago}),
        (others[5], {"formaner": "foraldrapenning", "reference": ""}),
        (others[6], {"typ": "bytBevakning"}),
        (first, {}),
        (first, {"typ": cancel}),
        (scene.strangers[-1], {"typ": cancel}),
        (scene.known[0], {"formaner": order_name(scene.benefits[0])}),
    ]
    return [_row(scene, number, 1, **said) for number, said in faults]


def _user(username: str) -> Any:
    return get_user_model().objects.get(username=username)
