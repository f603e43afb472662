"""Consents: what is registered and what is refused, who examines, and what a withdrawal ends."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from benefits.identity import check_digit
from benefits.models import Person, PersonNumber
from benefits.services import person_of
from lefi.audit.models import Action, AuditEvent
from subscriptions.consentfile import Given
from subscriptions.consents import (
    ConsentRefused,
    State,
    end_watches_without_consent,
    examine_consent,
    move_consents_to_holders,
    register_consent,
    register_consents,
    state_of,
    withdraw_consent,
)
from subscriptions.models import Agreement, Consent, Watch
from tests.factories import (
    AT,
    BENEFIT,
    DAY,
    PURPOSE,
    AgreementFactory,
    ConsentFactory,
    LegalBasisFactory,
    PersonNumberFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
    identity_number,
)

pytestmark = pytest.mark.django_db

ASKING = "TEST-SAMT"
RISK = "riskbedomning"
OTHER = "FK:FP"
OTHER_NUMBER = identity_number(77)


def born_on(day: date) -> str:
    return f"{day:%Y%m%d}238{check_digit(f'{day:%y%m%d}238')}"


def coordination(number: str) -> str:
    """The coordination number of the same day of birth."""
    digits = f"{number[:6]}{int(number[6:8]) + 60}238"
    return digits + check_digit(digits[2:])


@pytest.fixture
def stream():
    """A stream whose purpose rests on consent."""
    basis = LegalBasisFactory(code=ASKING, consent_needed=True, agreement_classes=["income_base"])
    return StreamFactory(agreement=ScopeFactory(basis=basis, benefits=[BENEFIT, OTHER]).agreement)


@pytest.fixture
def customer(stream):
    return stream.agreement.customer


def values(**changes):
    return {
        "number": identity_number(1),
        "purpose": PURPOSE,
        "benefits": [BENEFIT],
        "classes": ["period", "extent"],
        "valid_from": DAY,
        "valid_to": None,
        "given_on": DAY,
        "evidence": "F 17",
        "giver": "self",
    } | changes


def register(customer, **changes) -> Consent:
    extra = {name: changes.pop(name) for name in ("by", "client", "purposes", "at") if name in changes}
    return register_consent(customer=customer, channel="admin", **{"at": AT} | extra, **values(**changes))


def refusal(customer, **changes) -> str:
    try:
        register(customer, **changes)
    except ConsentRefused as refused:
        return refused.code
    return ""


DAY_AFTER = DAY + timedelta(days=1)
WRONG = {
    "a purpose that nobody asks consent for": ({"purpose": "samordning"}, "CONSENT_NOT_ASKED_FOR"),
    "a purpose that the caller may not speak of": ({"purposes": {"annat"}}, "CONSENT_NOT_ASKED_FOR"),
    "a number that is none": ({"number": "195001010000"}, "NUMBER_INVALID"),
    "no benefit": ({"benefits": []}, "BENEFIT_UNKNOWN"),
    "a benefit that is none": ({"benefits": [BENEFIT, "FK:XYZ"]}, "BENEFIT_UNKNOWN"),
    "a benefit of an owner that the basis does not name": ({"benefits": ["PM:AP"]}, "BENEFIT_NOT_IN_BASIS"),
    "no field class": ({"classes": []}, "CLASS_UNKNOWN"),
    "a field class that is none": ({"classes": ["allt"]}, "CLASS_UNKNOWN"),
    "a field class beyond the basis": ({"classes": ["address"]}, "CLASS_NOT_IN_BASIS"),
    "no evidence": ({"evidence": "  "}, "EVIDENCE_MISSING"),
    "evidence too long": ({"evidence": "x" * 101}, "EVIDENCE_MISSING"),
    "evidence that names the person": ({"evidence": f"Blankett {identity_number(1)}"}, "EVIDENCE_NAMES_A_PERSON"),
    "no start": ({"valid_from": None}, "DATES_MISSING"),
    "no day when it was given": ({"given_on": None}, "DATES_MISSING"),
    "given tomorrow": ({"given_on": DAY_AFTER, "valid_from": DAY_AFTER}, "DATES_WRONG"),
    "given after it holds": ({"valid_from": DAY - timedelta(days=1)}, "DATES_WRONG"),
    "ended before it starts": ({"valid_from": DAY_AFTER, "valid_to": DAY}, "DATES_WRONG"),
    "ended yesterday": (
        {"given_on": date(2026, 1, 1), "valid_from": date(2026, 1, 1), "valid_to": DAY - timedelta(days=1)},
        "DATES_WRONG",
    ),
    "given by a stranger": ({"giver": "grannen"}, "GIVER_UNKNOWN"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_consent_that_is_not_as_it_should_be_is_refused_and_leaves_nothing(customer, what):
    changes, code = WRONG[what]

    assert refusal(customer, **changes) == code

    assert not Consent.objects.exists() and not AuditEvent.objects.exists() and not Person.objects.exists()


def test_a_duty_based_basis_neither_asks_for_nor_takes_consent():
    """R10: its absence never blocks a statutory duty, and there is none to show."""
    stream = StreamFactory(served=True)

    assert refusal(stream.agreement.customer) == "CONSENT_NOT_ASKED_FOR"


@pytest.mark.parametrize("ended", ["basis", "agreement", "agreement's time"])
def test_what_is_closed_or_ended_asks_for_no_consent(stream, customer, ended):
    if ended == "basis":
        LegalBasisFactory(code=ASKING, version=2, consent_needed=True, status="closed", valid_to=DAY)
    elif ended == "agreement":
        Agreement.objects.update(status=Agreement.Status.ENDED)
    else:
        Agreement.objects.update(valid_to=DAY - timedelta(days=1))

    assert refusal(customer) == "CONSENT_NOT_ASKED_FOR"


def test_another_customers_agreement_asks_nothing_of_this_one(stream):
    assert refusal(AgreementFactory().customer) == "CONSENT_NOT_ASKED_FOR"


@pytest.mark.parametrize(("days", "code"), [(None, "END_NEEDED"), (91, "CONSENT_TOO_LONG"), (90, "")])
def test_a_consent_for_risk_assessment_is_short_lived(customer, days, code):
    """R9: the need ends when the risk has been assessed."""
    basis = LegalBasisFactory(code="TEST-RISK", purpose=RISK, consent_needed=True)
    ScopeFactory(agreement=Agreement.objects.get(), basis=basis)
    ends = DAY + timedelta(days=days) if days else None

    assert refusal(customer, purpose=RISK, valid_to=ends) == code


def test_a_consent_is_registered_with_all_it_says_and_logged_without_the_number(customer):
    user = UserFactory()

    consent = register(
        customer, by=user, valid_to=date(2027, 1, 1), benefits=["sjukpenning", OTHER], classes=["period"]
    )

    consent.refresh_from_db()
    assert (consent.benefits, consent.classes) == ([OTHER, BENEFIT], ["period"])
    assert (consent.registered_by, consent.registered_at, consent.examination) == (user, AT, "not_needed")
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.person_id) == (Action.CREATE, user, consent.person_id)
    assert identity_number(1) not in str(event.details)
    assert state_of(consent, DAY) == State.IN_FORCE


def test_a_consent_may_name_what_the_agreement_must_enumerate(customer):
    assert refusal(customer, classes=["income_base"]) == ""


def test_who_nobody_has_named_is_taken_in_like_anybody_else(customer):
    known = register(customer)
    unknown = register(customer, number=identity_number(2))

    assert person_of(identity_number(2)) == unknown.person
    assert known.registered_at == unknown.registered_at


def test_registering_again_with_the_same_evidence_changes_nothing(customer):
    first = register(customer)

    again = register(customer, number=identity_number(1)[2:], at=AT + timedelta(days=1))

    assert again == first
    assert Consent.objects.count() == AuditEvent.objects.count() == 1


def test_the_same_evidence_is_never_taken_for_something_else(customer):
    register(customer)

    assert refusal(customer, benefits=[OTHER]) == "CONSENT_DIFFERS"
    assert refusal(customer, benefits=[OTHER], evidence="F 18") == ""


def test_registering_a_withdrawn_consent_again_does_not_bring_it_back(customer):
    consent = register(customer)
    withdraw_consent(consent=consent, at=AT)

    again = register(customer)

    assert again == consent
    assert again.withdrawn_at == AT


# A guardian's, and a minor's (OSL 12:3)


@pytest.mark.parametrize(
    ("born", "given_on", "waits"),
    [
        (date(2008, 11, 23), date(2026, 11, 23), False),
        (date(2008, 11, 24), date(2026, 11, 23), True),
        (date(2008, 2, 29), date(2026, 2, 28), True),
        (date(2008, 2, 29), date(2026, 3, 1), False),
    ],
)
@pytest.mark.parametrize("written", [born_on, lambda day: coordination(born_on(day))])
def test_who_was_under_18_on_the_day_gives_a_consent_that_waits(customer, written, born, given_on, waits):
    consent = register(customer, number=written(born), given_on=given_on, valid_from=given_on)

    assert (consent.examination == Consent.Examination.WAITING) is waits


def test_11_a_guardians_consent_for_a_17_year_old_is_examined_by_a_person(customer, stream):
    """Acceptance test 11 of the law's list."""
    consent = register(customer, number=born_on(date(2009, 6, 1)), giver="guardian", client="skadesystemet")
    officer = UserFactory()
    assert state_of(consent, DAY) == State.WAITING
    assert not consent.as_value().covers(BENEFIT, DAY)

    examine_consent(consent=consent, accept=True, by=officer, at=AT, reason="Fullmakt och mognad prövade.")

    consent.refresh_from_db()
    assert consent.as_value().covers(BENEFIT, DAY)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.person_id) == (Action.APPROVE, officer, consent.person_id)


def test_a_refused_consent_counts_as_none(customer):
    consent = register(customer, giver="guardian")

    examine_consent(consent=consent, accept=False, by=UserFactory(), at=AT, reason="Fullmakten räcker inte.")

    consent.refresh_from_db()
    assert state_of(consent, DAY) == State.REFUSED
    assert not consent.as_value().covers(BENEFIT, DAY) and not consent.as_value().awaits(BENEFIT, DAY)


def test_who_registered_a_consent_does_not_examine_it_superusers_included(customer):
    user = UserFactory(is_superuser=True)
    consent = register(customer, giver="guardian", by=user)

    with pytest.raises(ConsentRefused, match="SAME_PERSON"):
        examine_consent(consent=consent, accept=True, by=user, at=AT, reason="Godkänns.")
    with pytest.raises(IntegrityError), transaction.atomic():
        Consent.objects.update(examination="accepted", examined_by=user, examined_at=AT)


@pytest.mark.parametrize("case", ["needs none", "examined", "withdrawn"])
def test_only_what_waits_is_examined(customer, case):
    consent = register(customer, giver="self" if case == "needs none" else "guardian")
    if case == "examined":
        examine_consent(consent=consent, accept=False, by=UserFactory(), at=AT, reason="Räcker inte.")
    if case == "withdrawn":
        withdraw_consent(consent=consent, at=AT)

    with pytest.raises(ConsentRefused, match="NOT_WAITING"):
        examine_consent(consent=consent, accept=True, by=UserFactory(), at=AT, reason="Godkänns.")


# Many at once


def test_each_line_of_a_file_is_answered_and_one_refused_stops_no_other(customer):
    given = [
        Given(**values(benefits=(BENEFIT,), classes=("period",), **changes))
        for changes in (
            {},
            {"number": "x"},
            {"number": identity_number(2), "giver": "guardian"},
            {},
            {"valid_to": date(2027, 1, 1)},
            {"fault": "DATE_INVALID", "valid_from": None},
        )
    ]

    answered = register_consents(customer=customer, given=given, channel="file", client="system", at=AT)

    assert [one.answer for one in answered] == [
        "REGISTERED",
        "NUMBER_INVALID",
        "REGISTERED_WAITS",
        "ALREADY_REGISTERED",
        "CONSENT_DIFFERS",
        "DATE_INVALID",
    ]
    assert Consent.objects.filter(channel="file").count() == 2
    assert AuditEvent.objects.filter(client="system").count() == 2


def test_what_stands_by_a_number_is_found_by_index():
    with connection.cursor() as cursor:
        kept = connection.introspection.get_constraints(cursor, Consent._meta.db_table)

    assert kept["consents_by_number"]["columns"] == ["customer_id", "number"]


def test_a_file_takes_as_many_queries_long_as_short(customer, django_assert_max_num_queries):
    given = [Given(**values(number=identity_number(n), benefits=(BENEFIT,), classes=("period",))) for n in range(300)]

    with django_assert_max_num_queries(30):
        register_consents(customer=customer, given=given, channel="file", at=AT)

    assert Consent.objects.count() == 300


# Withdrawn, and run out


@pytest.fixture
def watch(stream):
    return WatchFactory(stream=stream)


def consent_on(watch: Watch, **fields) -> Consent:
    return ConsentFactory(customer=watch.stream.agreement.customer, person=watch.person, **fields)


def test_a_withdrawal_ends_the_watches_that_rested_on_it_and_says_no_more_than_that(watch):
    consent = consent_on(watch)
    user = UserFactory()

    assert withdraw_consent(consent=consent, by=user, at=AT, reason="Personen har ringt.") == 1

    watch.refresh_from_db()
    assert (watch.ended_at, watch.end_reason) == (AT, Watch.EndReason.NO_LONGER)
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.person_id, event.reason) == (
        Action.WITHDRAW,
        user,
        watch.person_id,
        "Personen har ringt.",
    )
    assert withdraw_consent(consent=consent, at=AT) == 0
    assert AuditEvent.objects.count() == 1


UNTOUCHED = {
    "another person's": lambda watch: WatchFactory(stream=watch.stream),
    "another benefit's": lambda watch: WatchFactory(stream=watch.stream, person=watch.person, benefit=OTHER),
    "another purpose's": lambda watch: WatchFactory(
        stream=StreamFactory(agreement=watch.stream.agreement, purpose="annat"), person=watch.person
    ),
    "another customer's": lambda watch: WatchFactory(person=watch.person),
    "one that rests on a duty": lambda watch: WatchFactory(
        stream=StreamFactory(served=True, agreement__customer=watch.stream.agreement.customer), person=watch.person
    ),
}


@pytest.mark.parametrize("whose", UNTOUCHED)
def test_a_withdrawal_leaves_other_watches_alone(watch, whose):
    other = UNTOUCHED[whose](watch)

    withdraw_consent(consent=consent_on(watch), at=AT)

    assert list(Watch.objects.open()) == [other]


COVERS = {
    "another in force": ({}, True),
    "one of another benefit": ({"benefits": [OTHER]}, False),
    "one for another purpose": ({"purpose": "annat"}, False),
    "one to come": ({"valid_from": DAY_AFTER}, False),
    "one that has ended": ({"valid_to": DAY - timedelta(days=1)}, False),
    "one withdrawn before": ({"withdrawn_at": AT}, False),
    "one that waits": ({"examination": "waiting"}, False),
    "one that was refused": ({"examination": "refused"}, False),
}


@pytest.mark.parametrize("which", COVERS)
def test_a_watch_stands_on_after_a_withdrawal_only_if_another_consent_covers_it(watch, which):
    fields, stands = COVERS[which]
    consent_on(watch, **fields)

    withdraw_consent(consent=consent_on(watch), at=AT)

    assert Watch.objects.open().exists() is stands


TOLD, UNTOLD = ["identity", "period"], ["period"]


@pytest.mark.parametrize(("classes", "left"), [(TOLD, []), (UNTOLD, ["by another number"])])
def test_a_withdrawal_ends_watches_by_another_number_only_where_identity_is_told(stream, watch, classes, left):
    """Else that they end together would tell that the two numbers are one person's (C8)."""
    WatchFactory(
        stream=stream,
        person=watch.person,
        ordered_number=OTHER_NUMBER,
        case_reference="by another number",
        by_number=True,
    )
    consent = consent_on(watch, number=watch.ordered_number, classes=classes)

    withdraw_consent(consent=consent, at=AT)

    assert list(Watch.objects.open().values_list("case_reference", flat=True)) == left


@pytest.mark.parametrize("classes", [TOLD, UNTOLD])
def test_a_watch_ends_for_want_of_a_consent_by_its_own_number_alone(stream, watch, classes):
    consent_on(watch, number=watch.ordered_number, classes=classes, withdrawn_at=AT)
    another = WatchFactory(stream=stream, person=watch.person, ordered_number=OTHER_NUMBER, by_number=True)
    consent_on(another, number=OTHER_NUMBER, classes=UNTOLD)

    assert end_watches_without_consent(day=DAY, at=AT) == 1

    assert Watch.objects.open().get() == another


def test_a_consent_that_is_renewed_brings_no_watch_back(watch):
    withdraw_consent(consent=consent_on(watch), at=AT)

    consent_on(watch)
    end_watches_without_consent(day=DAY, at=AT)

    assert not Watch.objects.open().exists()


ENDS = {
    "no consent at all": ([], False),
    "withdrawn past the service": ([{"withdrawn_at": AT}], True),
    "withdrawn, and one of another benefit in force": ([{"withdrawn_at": AT}, {"benefits": [OTHER]}], True),
    "withdrawn, and a newer one in force": ([{"withdrawn_at": AT}, {}], False),
    "withdrawn, and an older one in force": ([{}, {"withdrawn_at": AT}], False),
    "withdrawn, and a newer one to come": ([{"withdrawn_at": AT}, {"valid_from": DAY_AFTER}], False),
    "withdrawn, and a newer one that waits": ([{"withdrawn_at": AT}, {"examination": "waiting"}], False),
    "withdrawn, and a newer one refused": ([{"withdrawn_at": AT}, {"examination": "refused"}], True),
    "run out thirty days ago": ([{"valid_to": DAY - timedelta(days=30)}], False),
    "run out thirty-one days ago": ([{"valid_to": DAY - timedelta(days=31)}], True),
    "run out long ago, and renewed": ([{"valid_to": date(2026, 2, 1)}, {}], False),
    "run out, and an older one withdrawn": ([{"withdrawn_at": AT}, {"valid_to": DAY - timedelta(days=3)}], False),
}


@pytest.mark.parametrize("what", ENDS)
def test_time_ends_the_watches_that_have_no_consent_any_more(watch, what):
    consents, ends = ENDS[what]
    for fields in consents:
        consent_on(watch, **fields)

    assert end_watches_without_consent(day=DAY, at=AT) == ends
    assert end_watches_without_consent(day=DAY, at=AT) == 0

    watch.refresh_from_db()
    assert (watch.end_reason == Watch.EndReason.NO_LONGER) is ends


def test_what_rests_on_a_duty_ends_with_no_consent():
    watch = WatchFactory(stream__served=True)
    consent_on(watch, withdrawn_at=AT)

    assert end_watches_without_consent(day=DAY, at=AT) == 0


def test_looking_for_watches_without_consent_costs_queries_by_the_page(stream, django_assert_max_num_queries):
    for _ in range(40):
        consent_on(WatchFactory(stream=stream), withdrawn_at=AT)

    with django_assert_max_num_queries(20):
        assert end_watches_without_consent(day=DAY, at=AT) == 40


def test_a_consent_follows_the_number_it_was_given_by_and_never_speaks_for_another(customer):
    """Two persons found to be one, and split again (C8)."""
    consent = register(customer)
    alone = register(customer, number=identity_number(2))
    PersonNumber.objects.filter(number=consent.number).update(withdrawn_in=3)
    PersonNumberFactory(person=alone.person, number=consent.number, current=False, recorded_in=3)

    assert move_consents_to_holders() == 1
    assert move_consents_to_holders() == 0

    consent.refresh_from_db()
    assert consent.person == alone.person


def test_a_basis_that_no_longer_rests_on_consent_ends_no_watch_for_want_of_one(stream, watch):
    consent_on(watch, withdrawn_at=AT)
    LegalBasisFactory(code=ASKING, version=2, consent_needed=False)

    assert end_watches_without_consent(day=DAY, at=AT) == 0
