"""How far an application has come, told in steps."""

from datetime import date

import pytest

from subscriptions.models import Agreement, Connection
from subscriptions.progress import State, next_step, steps
from tests.factories import AT, AgreementFactory, ConnectionFactory, UserFactory

DONE, NOW, WAITING, STOPPED = State.DONE, State.NOW, State.WAITING, State.STOPPED
OPEN_TO_YOU = (Agreement.Status.ACTIVE, Agreement.Status.REFUSED, Agreement.Status.ENDED)
pytestmark = pytest.mark.django_db


def accepted(**agreement) -> Connection:
    return ConnectionFactory(
        status="accepted", examined_at=AT, examined_by=UserFactory(), agreement=AgreementFactory(**agreement)
    )


def states(connection: Connection) -> list[State]:
    return [step.state for step in steps(connection)]


def test_a_refused_application_stops_where_it_was_refused_and_says_why():
    refused = ConnectionFactory(status="refused", refusal="Nej.", examined_at=AT, examined_by=UserFactory())

    assert states(refused) == [DONE, STOPPED]
    assert steps(refused)[-1].why == "Nej."


def test_a_withdrawn_application_stops_there():
    assert states(ConnectionFactory(status="withdrawn")) == [DONE, STOPPED]


NOTHING = {"approved_at": None, "signed_by_fk_at": None, "signed_by_customer_at": None}


@pytest.mark.parametrize(
    ("agreement", "expected"),
    [
        (NOTHING | {"status": "examined"}, [DONE, DONE, NOW, WAITING, WAITING, WAITING, WAITING]),
        (NOTHING | {"status": "sent", "sent_at": AT}, [DONE, DONE, DONE, NOW, WAITING, WAITING, WAITING]),
        (
            NOTHING | {"status": "signed_by_customer", "sent_at": AT, "signed_by_customer_at": AT},
            [DONE, DONE, DONE, DONE, NOW, WAITING, WAITING],
        ),
        (
            {"status": "signed_by_fk", "sent_at": AT, "approved_at": None},
            [DONE, DONE, DONE, DONE, DONE, NOW, WAITING],
        ),
        ({"status": "active", "sent_at": AT}, [DONE] * 7),
        ({"status": "ended", "sent_at": AT, "valid_to": date(2026, 12, 1)}, [DONE] * 7 + [STOPPED]),
        (NOTHING | {"status": "refused", "sent_at": AT, "ended_why": "Nej."}, [DONE, DONE, DONE, STOPPED]),
    ],
)
def test_the_steps_follow_the_agreement(agreement, expected):
    assert states(accepted(**agreement)) == expected


def test_a_new_application_waits_to_be_examined():
    assert states(ConnectionFactory()) == [DONE, NOW, WAITING, WAITING, WAITING, WAITING, WAITING]


def test_an_agreement_that_begins_later_is_active_from_that_day():
    connection = accepted(status=Agreement.Status.ACTIVE, sent_at=AT, valid_from=date(2027, 1, 1))

    assert steps(connection)[-1].day == date(2027, 1, 1)


@pytest.mark.parametrize("status", Agreement.Status)
def test_at_every_state_of_the_agreement_it_is_said_what_comes_next(status):
    step = next_step(accepted(status=status))

    assert step.title and step.text
    assert step.yours == (status in (Agreement.Status.SENT, *OPEN_TO_YOU))
    assert bool(step.page) == step.yours


@pytest.mark.parametrize(("status", "yours"), [("notified", False), ("withdrawn", True), ("refused", True)])
def test_before_there_is_an_agreement_it_is_said_too(status, yours):
    refused = {"refusal": "Nej.", "examined_at": AT, "examined_by": UserFactory()} if status == "refused" else {}

    assert next_step(ConnectionFactory(status=status, **refused)).yours == yours
