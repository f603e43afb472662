"""What waits for somebody as the story ends: a preview, an order with faults, one refused; and one to send oneself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from deliveries.demo.cast import Organisation
from deliveries.demo.orders import NO_PERSON, order_name, reference_name, send, table
from subscriptions.models import Order, Stream
from subscriptions.models.orders import OrderKind
from subscriptions.orders.lines import Line
from subscriptions.orders.placing import place_order

SINGLE, PREVIEW, FAULTY, OWN = slice(0, 1), slice(1, 13), slice(13, 33), slice(33, 60)


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
