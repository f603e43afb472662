"""What the law demands first, each as one story: an order, a night, and the document that came of it.

On the bases that come with the installation; the next version of one that has no start, or is a draft, is put in force
by two people. Three of the fourteen are told where what they are about is tested, the others here by their number:

 2. tests/deliveries/test_consents_told.py
    test_2_a_consent_withdrawn_after_the_nights_extraction_and_before_sending_tells_nothing
10. tests/deliveries/test_explain.py
    test_log_lists_for_one_person_every_named_recipient_and_what_they_got
11. tests/deliveries/test_consents_told.py
    test_11_a_guardians_consent_tells_nothing_until_somebody_has_accepted_it
    (with a 17-year-old: tests/subscriptions/test_consents.py
    test_11_a_guardians_consent_for_a_17_year_old_is_examined_by_a_person)

After them: what happens when a right ends between extraction and release, and at midnight.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import IntegrityError, transaction
from django.utils import timezone
from structlog.testing import capture_logs

from benefits.catalogue import catalogue
from benefits.services import person_of
from deliveries import runs, storage
from deliveries.models import Delivery, Disclosure, Fetch
from deliveries.reading import read, read_head
from deliveries.schema import NOT_AUTHORISED
from deliveries.services import FetchRefused, fetch
from deliveries.verification import verify
from lefi import foureyes
from lefi.foureyes import NotApproved
from subscriptions import protection
from subscriptions.bases import approve_basis, propose_basis
from subscriptions.connections import (
    StepRefused,
    accept_connection,
    apply_for_connection,
    approve_agreement,
    end_agreement,
    send_agreement,
    sign_for_customer,
)
from subscriptions.consents import withdraw_consent
from subscriptions.models import Agreement, Consent, LegalBasis, OwnerApproval, Stream, Watch
from subscriptions.models.orders import OrderKind
from subscriptions.orders.jsonfile import read_json
from subscriptions.orders.lines import OrderRefused
from subscriptions.orders.xmlfile import read_xml
from subscriptions.scopes import ScopeRefused, propose_scope
from tests.factories import (
    AgreementFactory,
    ConsentFactory,
    CustomerFactory,
    OwnerApprovalFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)
from tests.histories.faults import before_release
from tests.histories.sources import AP, CASES, DETAILS, FP, GEPI, SJP, details, parental, pension, sickness
from tests.histories.world import World
from tests.histories.world import world as made_world

WHY = "Rättsavdelningens beslut."
EVERYTHING = sorted(catalogue().classes)
SUPPORT = "FK:US"
STREET, CHILD = "Testgatan 77", "Barn 77"
FIRST, NEWS = date(2025, 9, 17), date(2025, 11, 13)  # begins of sickness cases, found nowhere else in a document


@pytest.fixture
def made(db: Any, tmp_path: Path) -> Iterator[World]:
    """Of the first person an address, a child and a sickness case are known. Nobody is watched."""
    with made_world(tmp_path, persons=2) as world:
        one = world.sources.people[0]
        one.sections[DETAILS] = [details(one.number, 77, one.name)]
        one.items(CASES[SJP]).append(sickness(FIRST, 20))
        world.sources.hand_over(world.now, one)
        yield world


def basis_in_force(made: World, code: str) -> LegalBasis:
    """The basis as it was installed; if that has no start or is a draft, its next version, from today."""
    basis = LegalBasis.objects.newest().get(code=code)
    begun = basis.valid_from is not None and basis.status == LegalBasis.Status.ACTIVE
    if not begun and basis.status != LegalBasis.Status.CLOSED:
        basis = next_version(made, code, status=LegalBasis.Status.ACTIVE, valid_from=made.day)
    return basis


def next_version(made: World, code: str, **changes: Any) -> LegalBasis:
    """Proposed by one and approved by another."""
    row = LegalBasis.objects.newest().get(code=code)
    row.pk, row._state.adding = None, True
    row.version += 1
    for name, value in changes.items():
        setattr(row, name, value)
    propose_basis(basis=row, by=UserFactory(), at=made.now)
    approve_basis(basis=row, by=UserFactory(), at=made.now, reason=WHY)
    return row


def stream_on(
    made: World, code: str, kind: str, benefits: list[str], classes: list[str] | None = None, agreement: Any = None
) -> Stream:
    """A stream that rests on a basis; its agreement names every field class there is, unless the test says which."""
    basis = basis_in_force(made, code)
    agreement = agreement or AgreementFactory(customer=CustomerFactory(kind=kind))
    ScopeFactory(agreement=agreement, basis=basis, benefits=benefits, classes=classes or EVERYTHING)
    return StreamFactory(agreement=agreement, purpose=basis.purpose)


def consent_of(made: World, stream: Stream, benefit: str, classes: list[str]) -> Consent:
    """The first person's consent towards the stream's customer and purpose."""
    return ConsentFactory(
        customer=stream.agreement.customer,
        person=person_of(made.sources.people[0].number),
        purpose=stream.purpose,
        benefits=[benefit],
        classes=classes,
    )


def order(made: World, stream: Stream, *benefits: str) -> list[str]:
    """Order watches on the first person; return the answers."""
    number = made.sources.people[0].number
    return [answer for benefit in benefits for answer in made.order(stream, OrderKind.NEW, number, benefit)]


def unasked(made: World, stream: Stream, benefit: str) -> Watch:
    """A watch on the first person that no order could have opened."""
    number = made.sources.people[0].number
    return WatchFactory(
        stream=stream,
        person=person_of(number),
        ordered_number=number,
        benefit=benefit,
        case_reference="A1",
        need_reference="B1",
        opened_at=made.now,
    )


def sick(made: World, begins: date) -> None:
    """The first person reports sick once more."""
    one = made.sources.people[0]
    one.items(CASES[SJP]).append(sickness(begins, 20))
    made.sources.hand_over(made.now, one)


def newest(stream: Stream) -> Delivery:
    return Delivery.objects.filter(stream=stream).latest("number")


def text(stream: Stream) -> str:
    """The bytes of the stream's newest document."""
    return storage.place_of(newest(stream).sha256).read_text(encoding="utf-8")


def told(stream: Stream) -> list[str]:
    """The benefits that the stream's newest document has content on."""
    entries = read(storage.place_of(newest(stream).sha256))
    return sorted({block.benefit for entry in entries for block in entry.blocks})


def statuses(stream: Stream) -> list[str]:
    entries = read(storage.place_of(newest(stream).sha256))
    return [status.code for entry in entries for status in entry.statuses]


def withheld(stream: Stream) -> list[tuple[str, str]]:
    """What the log says was withheld in the stream's newest delivery: the reason, and the decision's."""
    rows = Disclosure.objects.filter(delivery=newest(stream), outcome=Disclosure.Outcome.WITHHELD)
    assert all(row.sections == {} and row.decision.classes == [] for row in rows)
    return [(row.reason, row.decision.refusal) for row in rows.select_related("decision")]


def just_after_midnight(made: World) -> datetime:
    """Four minutes past; a run on demand starts a minute later."""
    return datetime.combine(made.day, time(0, 4), timezone.get_default_timezone())


def true_to_the_register(made: World) -> bool:
    return not any(verify(stream, made.now).different for stream in Stream.objects.all())


def test_1_an_insurer_on_coordination_asks_for_address_and_never_gets_it(made):
    """Not even where an agreement names the class; and none that does can be proposed."""
    stream = stream_on(made, "INS-SAM", "forsakringsbolag", [GEPI, SJP])
    values = {"basis_code": "INS-SAM", "benefits": [SJP], "classes": ["benefit", "period", "address"]}
    with pytest.raises(ScopeRefused) as refused:
        propose_scope(agreement=stream.agreement, purpose="samordning", values=values, by=UserFactory(), at=made.now)
    assert [code for _, code, _ in refused.value.faults] == ["CLASS_NOT_IN_BASIS"]

    assert order(made, stream, GEPI, SJP) == ["ACCEPTED", "ACCEPTED"]
    made.night()

    assert told(stream) == [GEPI, SJP]
    assert FIRST.isoformat() in text(stream)
    assert STREET not in text(stream) and "<adress>" not in text(stream)


def test_3_a_board_gets_an_address_only_once_the_basis_that_gives_one_is_added(made):
    plain = stream_on(made, "KOM-SOC", "socialnamnd", [GEPI])
    order(made, plain, GEPI)
    made.night()
    assert told(plain) == [GEPI] and STREET not in text(plain)

    added = stream_on(made, "KOM-SOC-ADR", "socialnamnd", [GEPI], agreement=plain.agreement)
    order(made, added, GEPI)
    made.night()

    assert STREET in text(added)
    assert STREET not in text(plain), "two purposes never share a document"


def test_4_a_person_protected_between_order_and_delivery_waits_for_the_staff_and_no_place_is_ever_told(made):
    stream = stream_on(made, "KOM-SOC-ADR", "socialnamnd", [GEPI])
    assert order(made, stream, GEPI) == ["ACCEPTED"]
    made.sources.people[0].protection = "SEKRETESSMARKERING"
    made.sources.hand_over(made.now, made.sources.people[0])

    made.night()

    assert "<person " not in text(stream)
    assert withheld(stream) == [("PROTECTED", "PROTECTED")]
    (waiting,) = protection.queue(day=made.day, at=made.now)
    one, other = UserFactory(is_superuser=True), UserFactory(is_superuser=True)
    release = protection.propose_release(watch=waiting.watch, by=one, at=made.now, reason=WHY)
    protection.approve_release(release=release, by=other, at=made.now, reason=WHY)
    made.night()

    assert told(stream) == [GEPI] and made.sources.people[0].name in text(stream)
    assert STREET not in text(stream) and CHILD not in text(stream)


def test_5_an_agreement_signed_by_the_customer_alone_opens_nothing(made):
    customer = AgreementFactory(customer=CustomerFactory(kind="forsakringsbolag")).customer
    values = {
        "organisation_number": customer.organisation_number,
        "unit": customer.unit,
        "name": customer.name,
        "kind": customer.kind,
        "signatory_name": "Eva Al",
        "signatory_email": "eva.al@example.org",
        "contact_name": "Bo Ask",
        "contact_email": "bo.ask@example.org",
        "parts": [{"basis": "INS-SAM", "benefits": [SJP]}],
        "persons": 100,
    }
    officer, approver = UserFactory(), UserFactory()
    connection = apply_for_connection(values=values, at=made.now)
    agreement = accept_connection(connection=connection, by=officer, at=made.now, code="SAM-2")
    send_agreement(agreement=agreement, by=officer, at=made.now)
    sign_for_customer(agreement=agreement, signatory="Eva Al", signature="papper", at=made.now)

    with pytest.raises(StepRefused, match="WRONG_STEP"):
        approve_agreement(agreement=agreement, by=approver, at=made.now, reason=WHY)
    assert not agreement.streams.exists()
    with pytest.raises(IntegrityError, match="agreement_active"), transaction.atomic():
        Agreement.objects.filter(pk=agreement.pk).update(status=Agreement.Status.ACTIVE)

    agreement.scopes.update(approved_by=approver, approved_at=made.now)  # past the services, as the stream is
    stream = StreamFactory(agreement=agreement, purpose="samordning")
    assert order(made, stream, SJP) == ["AGREEMENT_NOT_ACTIVE"]
    unasked(made, stream, SJP)
    run = made.night()
    assert run.streams.get(stream=stream).code == "AGREEMENT_NOT_ACTIVE"
    assert not Delivery.objects.filter(stream=stream).exists()


def test_6_an_agreement_that_ended_at_midnight_tells_nothing_in_a_run_at_five_past(made):
    stream = stream_on(made, "INS-SAM", "forsakringsbolag", [SJP])
    order(made, stream, SJP)
    made.night()
    sick(made, NEWS)
    end_agreement(agreement=stream.agreement, by=UserFactory(), at=made.now, on=made.day, reason=WHY)

    made.next_day()
    made.now = just_after_midnight(made)
    made.on_demand()

    assert read_head(storage.place_of(newest(stream).sha256)).final
    assert "<person " not in text(stream)
    assert not Disclosure.objects.filter(delivery=newest(stream)).exists()
    assert not Watch.objects.open().filter(stream=stream).exists()


def test_7_an_order_under_a_repealed_section_is_refused_as_closed(made):
    """SFB 114 kap. 26 § was last in force on 14 February 2024."""
    stream = stream_on(made, "OLD-114-26", "forsakringsbolag", [SJP])

    assert order(made, stream, SJP) == ["BASIS_CLOSED"]
    assert not Watch.objects.exists()


def test_8_the_student_board_asks_for_maintenance_support_and_is_told_that_it_may_not_be(made):
    """As kundStatus 2, the wire's word for OBEHORIG, and without content."""
    stream = stream_on(made, "CSN-1", "csn", [SJP, SUPPORT])
    assert order(made, stream, SJP, SUPPORT) == ["ACCEPTED", "BENEFIT_NOT_IN_BASIS"]
    unasked(made, stream, SUPPORT)

    made.night()

    assert told(stream) == [SJP]
    assert statuses(stream).count(NOT_AUTHORISED) == 1
    assert withheld(stream) == [("BENEFIT_NOT_IN_BASIS", "BENEFIT_NOT_IN_BASIS")]


@pytest.mark.parametrize("number", ["", "*", "%", "alla", "1950", "19500101", "195001010000"])
def test_9_everybody_with_a_benefit_cannot_be_ordered_only_persons_named_one_by_one(made, number):
    stream = stream_on(made, "KOM-SOC", "socialnamnd", [SJP])
    row = {"typ": OrderKind.NEW, "personnummer": number, "from": "2026-01-01", "formaner": ["sjukpenning"]}

    lines = read_json(BytesIO(json.dumps({"rader": [row]}).encode()))

    assert made.order_lines(stream, lines) == ["NUMBER_INVALID"]
    assert not Watch.objects.exists()


def test_9_an_order_that_names_no_person_is_refused_whole():
    asked = "<nybestallningBevakning><formansinformation><sjukpenning>1</sjukpenning></formansinformation>"
    head = "<generelltfalt><organisationsnummer>2129000010</organisationsnummer></generelltfalt>"
    written = f"<b>{head}<informationsfalt>{asked}</nybestallningBevakning></informationsfalt></b>"

    with pytest.raises(OrderRefused, match="FORM"):
        list(read_xml(BytesIO(written.encode())))


def test_9_no_address_of_the_api_picks_persons(settings):
    """Nothing can be asked of the API but a page of what the caller has, by its state or its own references.

    No person, benefit or population is chosen.
    """
    described = yaml.safe_load((settings.BASE_DIR / "docs/openapi.yaml").read_text(encoding="utf-8"))
    operations = [one for path in described["paths"].values() for one in path.values()]
    asked = {given["name"] for one in operations for given in one.get("parameters", ()) if given["in"] == "query"}

    pages, own = {"after", "cursor", "limit"}, {"evidence", "order_reference"}
    states = {"answer", "format", "kind", "preview", "status", "without_effect"}
    assert asked == pages | own | states


def test_12_a_childs_data_are_stripped_from_what_is_told_on_the_parents_consent(made):
    stream = stream_on(made, "INS-PROG", "forsakringsbolag", [FP, GEPI])
    for benefit in (FP, GEPI):
        consent_of(made, stream, benefit, EVERYTHING)
    one = made.sources.people[0]
    one.items(CASES[FP]).append(parental(NEWS, 20))
    made.sources.hand_over(made.now, one)
    assert order(made, stream, FP, GEPI) == ["ACCEPTED", "ACCEPTED"]

    made.night()

    assert told(stream) == [FP, GEPI]
    assert NEWS.isoformat() in text(stream) and one.name in text(stream)
    assert all(said not in text(stream) for said in (CHILD, "Test Barn", "<barn>"))


def test_13_the_pensions_agencys_data_are_withheld_until_it_has_approved_itself(made):
    stream = stream_on(made, "KOM-SOC", "socialnamnd", [AP])
    one = made.sources.people[0]
    one.sections["beslut"] = [pension(77, NEWS, 1000)]
    made.sources.hand_over_pension(made.now, one)
    OwnerApprovalFactory(owner="FK", basis_code="KOM-SOC", benefit=AP)
    assert order(made, stream, AP) == ["OWNER_NOT_APPROVED"]
    unasked(made, stream, AP)
    made.night()
    assert statuses(stream) == [NOT_AUTHORISED] and NEWS.isoformat() not in text(stream)
    assert withheld(stream) == [("OWNER_NOT_APPROVED", "OWNER_NOT_APPROVED")]

    officer = UserFactory()
    approval = OwnerApproval(owner="PM", basis_code="KOM-SOC", benefit=AP, valid_from=made.day)
    foureyes.propose(approval, by=officer, at=made.now)
    with pytest.raises(NotApproved):
        foureyes.approve(approval, by=officer, at=made.now, reason=WHY)
    assert order(made, stream, AP) == ["OWNER_NOT_APPROVED"]
    foureyes.approve(approval, by=UserFactory(), at=made.now, reason=WHY)
    made.night()

    assert told(stream) == [AP] and NEWS.isoformat() in text(stream)


def test_14_two_purposes_of_one_recipient_never_merge_their_fields(made):
    """Coordination gives the extent and no name; the consent gives the name and no extent."""
    sam = stream_on(made, "INS-SAM", "forsakringsbolag", [GEPI, SJP], ["benefit", "period", "extent"])
    skade = stream_on(made, "INS-SKADE", "forsakringsbolag", [GEPI, SJP], agreement=sam.agreement)
    for benefit in (GEPI, SJP):
        consent_of(made, skade, benefit, ["name", "period"])
        order(made, sam, benefit)
        order(made, skade, benefit)
    name = made.sources.people[0].name

    made.night()

    assert FIRST.isoformat() in text(sam) and FIRST.isoformat() in text(skade)
    assert "<omfattning>" in text(sam) and name not in text(sam)
    assert "<omfattning>" not in text(skade) and name in text(skade)
    rows = Disclosure.objects.exclude(sections={}).select_related("decision", "watch")
    assert {(one.watch.stream_id, *one.decision.classes) for one in rows} == {
        (sam.pk, "benefit", "extent", "period"),
        (skade.pk, "name", "period"),
    }


# Rules that no other test shows


def test_a_person_who_has_died_is_told_of_no_wider_and_stays_protected(made):
    """SFB 114 kap. 5 §: the dead as the living."""
    stream = stream_on(made, "KOM-SOC", "socialnamnd", [GEPI])
    order(made, stream, GEPI)
    one = made.sources.people[0]
    one.died = "2026-01-05"
    made.sources.hand_over(made.now, one)

    made.night()
    assert told(stream) == [GEPI] and one.died in text(stream)
    assert STREET not in text(stream) and CHILD not in text(stream)

    one.protection, one.name = "SEKRETESSMARKERING", "Test Person Ny"
    made.sources.hand_over(made.now, one)
    made.night()
    assert "<person " not in text(stream)
    assert withheld(stream) == [("PROTECTED", "PROTECTED")]


def test_insurers_and_employers_pay_and_no_authority_does(db):
    """SFB 114 kap. 16 §: a duty towards an authority is fulfilled free of charge."""
    kinds = {kind for basis in LegalBasis.objects.filter(fee=True) for kind in basis.recipient_kinds}

    assert kinds == {"forsakringsbolag", "forsakringsinrattning", "forsakringsformedlare", "arbetsgivare"}
    assert not [one for one in LegalBasis.objects.filter(fee=False) if kinds & set(one.recipient_kinds) and one.classes]


# A right that ends between extraction and release


def close_the_basis(made: World, stream: Stream) -> None:
    next_version(made, "INS-PROG", status=LegalBasis.Status.CLOSED, valid_to=made.day)


def withdraw_the_consent(made: World, stream: Stream) -> None:
    withdraw_consent(consent=Consent.objects.get(), at=made.now)


def protect_the_person(made: World, stream: Stream) -> None:
    made.sources.people[0].protection = "SKYDDAD_FOLKBOKFORING"
    made.sources.hand_over(made.now, made.sources.people[0], only=[])


@pytest.fixture
def forecast(made: World) -> Stream:
    """A pension forecast on the first person's consent, told once; then there is news to tell."""
    stream = stream_on(made, "INS-PROG", "forsakringsbolag", [SJP])
    consent_of(made, stream, SJP, ["name", "period", "application"])
    order(made, stream, SJP)
    made.night()
    assert FIRST.isoformat() in text(stream)
    sick(made, NEWS)
    return stream


@pytest.mark.parametrize(
    ("happens", "code", "said"),
    [
        (close_the_basis, "BASIS_CLOSED", lambda profile: profile["basis"]["status"] == "closed"),
        (withdraw_the_consent, "CONSENT_MISSING", lambda profile: profile["consent"]["withdrawn"]),
        (protect_the_person, "PROTECTED", lambda profile: profile["protected"]),
    ],
)
def test_nothing_leaks_when_a_right_ends_between_extraction_and_release_and_the_log_says_why(
    made, forecast, happens, code, said
):
    with before_release(forecast, lambda: happens(made, forecast)) as leaked:
        made.night()

    assert newest(forecast).number == 2 and not leaked
    assert NEWS.isoformat() not in text(forecast) and FIRST.isoformat() not in text(forecast)
    row = Disclosure.objects.select_related("decision").get(delivery=newest(forecast))
    assert (row.sections, row.decision.classes, row.decision.refusal) == ({}, [], code)
    assert said(row.decision.profile), "the decision keeps what it rested on"
    assert true_to_the_register(made)


def test_a_basis_closed_at_midnight_tells_nothing_in_a_run_at_five_past(made, forecast):
    next_version(made, "INS-PROG", valid_to=made.day)
    made.next_day()
    made.now = just_after_midnight(made)

    made.on_demand()

    assert told(forecast) == [] and statuses(forecast) == [NOT_AUTHORISED]
    assert NEWS.isoformat() not in text(forecast)
    assert withheld(forecast) == [("BASIS_CLOSED", "BASIS_CLOSED")]
    assert true_to_the_register(made)


def test_what_a_run_of_the_evening_releases_after_midnight_on_a_basis_then_closed_reaches_nobody(made, forecast):
    """The run's day is the evening's, so the document is made; the gate asks anew on the day of the fetch."""
    fetch(delivery=newest(forecast), at=made.now)
    next_version(made, "INS-PROG", valid_to=made.day)
    run = made.start_night()
    made.next_day()
    made.now = just_after_midnight(made)
    runs.perform(run)
    late = newest(forecast)
    assert NEWS.isoformat() in text(forecast)

    with pytest.raises(FetchRefused, match="RECALLED"), capture_logs() as logged:
        fetch(delivery=late, at=made.now)

    assert {"delivery": late.pk, "code": "BASIS_CLOSED"}.items() <= logged[0].items()
    assert Fetch.objects.get(delivery=late).refusal == "RECALLED"
    late.refresh_from_db()
    assert late.recalled_at is not None and late.first_fetched_at is None
    made.night()
    assert NEWS.isoformat() not in text(forecast)
    assert withheld(forecast) == [("BASIS_CLOSED", "BASIS_CLOSED")]
    assert true_to_the_register(made)
