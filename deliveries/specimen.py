"""A specimen of what a customer would be delivered: a true document, written by the delivery's own writer, on made-up
persons that nobody holds the numbers of. The same terms and day give the same bytes.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.utils import timezone

from benefits.catalogue import HEADER, catalogue
from benefits.content import block_digest
from benefits.synthetic import Register, State, start
from benefits.synthetic.people import UNPROTECTED
from deliveries.changes import BlockChange, Item, Said, compare
from deliveries.document import Block, Entry, Head, Status, Writer
from deliveries.known import sections_of, tellable
from deliveries.schema import ACTIVE
from subscriptions.decision import Decision
from subscriptions.models import Watch
from subscriptions.profiles import StreamLaw

KIND = "prov"  # slag: of a document that is no delivery; its lopnummer and korning are 0
PERSONS = 480  # of the made-up register, in which each section of the catalogue has somebody
NOTICE = "<!-- PROVDOKUMENT. Alla personer är påhittade. / SPECIMEN. All persons are made up. -->"


class _MadeUp:
    """Made-up persons, by their place in the register from 1, as contents of sections."""

    def __init__(self, day: date) -> None:
        self._register = Register(PERSONS, day=day)
        self._states: dict[int, State] = {}

    def state(self, person: int) -> State:
        if person not in self._states:
            self._states[person] = start(self._register, person - 1)
        return self._states[person]

    def items(self, person: int, section: str, as_of: int) -> list[dict[str, Any]]:
        state = self.state(person)
        if section == HEADER:
            return [_header(state)]
        found = state.sections("FK").get(section) or state.sections("PM").get(section) or []
        contents: list[dict[str, Any]] = json.loads(json.dumps(found), parse_float=Decimal)
        return contents


def _header(state: State) -> dict[str, Any]:
    facts = state.facts()
    known = {name: facts[name] for name in ("namn", "foddes", "avled") if facts[name]}
    return known | {"personnummer": state.number, "tidigarePersonnummer": state.earlier}


def specimen(law: StreamLaw, decisions: Mapping[str, Decision]) -> bytes:
    """The document that the law's stream would be delivered of one person for each benefit that may be told.

    `decisions` are those of the benefits, by code. A benefit that no made-up person has is not in it.
    """
    file = BytesIO()
    writer = Writer(file, head(law))
    made_up = _MadeUp(law.day)
    for number, (benefit, decision) in enumerate(sorted(decisions.items()), start=1):
        if decision.allowed:
            writer.add(_entries(made_up, law, benefit, decision, number))
    writer.close()
    return marked(file.getvalue())


def marked(document: bytes) -> bytes:
    """A document that says, before its first element, that it is no delivery."""
    declaration, rest = document.split(b"\n", 1)
    return b"\n".join([declaration, NOTICE.encode(), rest])


def head(law: StreamLaw) -> Head:
    """What a document that is no delivery says of itself."""
    agreement = law.stream.agreement
    return Head(
        organisation_number=agreement.customer.organisation_number,
        unit=agreement.customer.unit,
        agreement=agreement.code,
        purpose=law.stream.purpose,
        number=0,
        previous_sha256="",
        run=0,
        kind=KIND,
        day=law.day,
        created=datetime.combine(law.day, time(), timezone.get_default_timezone()),
        as_of_import=0,
        as_of_law=0,
        sources=[],
        benefits=[],
        final=False,
    )


def entry_of(watch: Watch, number: str, told: Mapping[str, list[Item]]) -> Entry:
    """Complete information on a watch: its status and a block for each section that holds anything."""
    entry = Entry(number, complete=True)
    entry.statuses.append(Status(watch.pk, catalogue().benefits[watch.benefit].order_name, ACTIVE))
    entry.blocks += [_block(watch, name, items) for name, items in told.items() if items]
    return entry


def look_back(law: StreamLaw) -> date:
    """The earliest from-date that the scope lets be ordered on the day."""
    return law.day - timedelta(days=law.scope.look_back_days if law.scope else 0)


def _entries(made_up: _MadeUp, law: StreamLaw, benefit: str, decision: Decision, number: int) -> Iterator[Entry]:
    """The first made-up person who has something of the benefit, if there is one."""
    sections = catalogue().sections
    for person in range(1, PERSONS + 1):
        state = made_up.state(person)
        if state.protection != UNPROTECTED or state.died:
            continue
        watch = Watch(pk=number, person_id=person, benefit=benefit, from_date=look_back(law))
        told = {name: tellable(made_up, watch, sections[name], decision, 0) for name in sections_of(benefit)}
        if any(items for name, items in told.items() if name != HEADER):
            yield entry_of(watch, state.number, told)
            return


def _block(watch: Watch, name: str, items: list[Item]) -> Block:
    marked = compare([], items).items
    return Block(
        watch=watch.pk,
        benefit=watch.benefit,
        section=catalogue().sections[name],
        before=block_digest(name, ()),
        after=block_digest(name, (item.known.digest for item in items)),
        change=BlockChange(items=[Said(one.id, "", "", one.content) for one in marked]),
    )
