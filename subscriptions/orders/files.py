"""Where an order's file lies, as it came, with its rows while they are being answered; and how each form is read."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from django.conf import settings

from subscriptions.models import Order
from subscriptions.orders.jsonfile import read_json, read_jsonl
from subscriptions.orders.lines import Item, OrderRefused
from subscriptions.orders.tablefile import read_csv, read_xlsx
from subscriptions.orders.xmlfile import read_xml

READERS: dict[str, Callable[[IO[bytes]], Iterator[Item]]] = {
    Order.Form.XML: read_xml,
    Order.Form.CSV: read_csv,
    Order.Form.XLSX: read_xlsx,
    Order.Form.JSON: read_json,
    Order.Form.JSONL: read_jsonl,
}
PIECE = 1 << 20  # bytes
UNKEPT_AGE = 24 * 60 * 60  # seconds


@dataclass(frozen=True, slots=True)
class Received:
    """A file as it came, not yet kept for any order."""

    path: Path
    size: int
    sha256: str

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def take_in(stream: IO[bytes], *, most: int) -> Received:
    """Write what is sent to a file of its own, a piece at a time. Raise OrderRefused with TOO_LARGE or EMPTY."""
    path = temporary()
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("wb") as file:
            while piece := stream.read(min(PIECE, most + 1 - size)):
                size += len(piece)
                if size > most:
                    raise OrderRefused("TOO_LARGE")
                file.write(piece)
                digest.update(piece)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise OrderRefused("EMPTY")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Received(path, size, digest.hexdigest())


def temporary() -> Path:
    """A path for a file that no order has yet."""
    folder: Path = settings.ORDERS_DIR / "unkept"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid4().hex


def read(path: Path, form: str) -> Iterator[Item]:
    """Yield what stands in an order's file. Raise OrderRefused where it cannot be read."""
    with path.open("rb") as file:
        yield from READERS[form](file)


def raw_path(order: Order) -> Path:
    """The file as it came."""
    return _folder(order) / "raw"


def rows_path(order: Order) -> Path:
    """Its rows, from reading until all are answered."""
    return _folder(order) / "rows"


def keep(path: Path, target: Path) -> None:
    """Move a file that is written durably to its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget(order: Order) -> None:
    """Remove all files of an order that has been thrown away."""
    shutil.rmtree(_folder(order), ignore_errors=True)


def sweep() -> int:
    """Remove files a day old that no order came to have; return how many."""
    limit = time.time() - UNKEPT_AGE
    old = [one for one in (settings.ORDERS_DIR / "unkept").glob("*") if one.stat().st_mtime < limit]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _folder(order: Order) -> Path:
    return settings.ORDERS_DIR / str(order.pk % 1000) / str(order.pk)
