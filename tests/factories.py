"""One factory for each model: required fields only, fixed values.

`WatchFactory(stream__served=True)` makes a watch that may be told everything of its benefit: the trait
adds a scope and a legal basis to the stream's agreement. What differs is said by the test that needs it.
"""

from datetime import UTC, date, datetime, timedelta

import factory
from django.conf import settings
from oauth2_provider.models import Application

from benefits import models as benefits
from benefits.catalogue import DATA, catalogue
from benefits.identity import check_digit
from deliveries import models as deliveries
from deliveries.signing_keys import signer
from lefi.audit import models as audit
from lefi.service import models as service
from subscriptions import models as subscriptions

DAY = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 17, tzinfo=UTC)
FIRST_KEY = datetime(2020, 1, 1, tzinfo=UTC)  # before anything that a test signs
PURPOSE = "skadereglering"
BASIS = "TEST-SKADE"
BENEFIT = "FK:SJP"
SECTION = "sjukpenningarende"
CLASSES = [
    "identity",
    "name",
    "application",
    "benefit",
    "period",
    "extent",
    "amount",
    "payment_date",
    "days",
    "changed_decision",
    "outcome",
]
PASSWORD = "fyra ord som ingen gissar"


def identity_number(n: int) -> str:
    """The n-th identity number: serials from 238, which Skatteverket gives to made-up persons."""
    born = date(1950, 1, 1) + timedelta(days=n)
    first_nine = f"{born:%y%m%d}238"
    return f"{born:%Y%m%d}238{check_digit(first_nine)}"


class Factory(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True
        skip_postgeneration_save = True


class UserFactory(Factory):
    class Meta:
        model = settings.AUTH_USER_MODEL

    username = factory.Sequence(lambda n: f"anna.lind{n}")
    first_name = "Anna"
    last_name = "Lind"
    password = factory.django.Password(PASSWORD)


class PersonFactory(Factory):
    """A person whom import 1 brought, with a number and facts."""

    class Meta:
        model = benefits.Person

    first_number = factory.Sequence(identity_number)
    held = factory.RelatedFactory(
        "tests.factories.PersonNumberFactory", "person", number=factory.SelfAttribute("..first_number")
    )
    known = factory.RelatedFactory("tests.factories.PersonFactsFactory", "person")


class PersonNumberFactory(Factory):
    class Meta:
        model = benefits.PersonNumber

    person = factory.SubFactory(PersonFactory, held=None)
    number = factory.SelfAttribute("person.first_number")
    recorded_in = 1


class PersonFactsFactory(Factory):
    class Meta:
        model = benefits.PersonFacts

    person = factory.SubFactory(PersonFactory, known=None)
    name = "Karin Testsson"
    born = "1950-01-01"
    recorded_in = 1


class BenefitPeriodFactory(Factory):
    class Meta:
        model = benefits.BenefitPeriod

    person = factory.SubFactory(PersonFactory)
    section = SECTION
    digest = factory.Sequence(lambda n: f"{n:064x}")
    starts_on = date(2026, 10, 1)
    ends_on = date(2026, 10, 31)
    content = '{"beslut": [{"period": {"from": "2026-10-01", "tom": "2026-10-31"}}]}'
    recorded_in = 1


class ImportFactory(Factory):
    """A published import; its number and its source's sequence number follow each other."""

    class Meta:
        model = benefits.Import

    number = factory.Sequence(lambda n: n + 1)
    source = benefits.Source.FK
    sequence = factory.Sequence(lambda n: n + 1)
    status = benefits.Import.Status.PUBLISHED
    state = benefits.SourceState.OK
    file_name = "fk-0001.jsonl"
    sha256 = "0" * 64
    lines = 1
    created_at = AT
    received_at = AT
    published_at = AT


class TouchedFactory(Factory):
    class Meta:
        model = benefits.Touched

    number = 1
    person = factory.SubFactory(PersonFactory)
    section = SECTION


class QuarantinedFactory(Factory):
    class Meta:
        model = benefits.Quarantined

    imported = factory.SubFactory(ImportFactory)
    line = factory.Sequence(lambda n: n + 1)
    section = SECTION
    code = "REQUIRED"
    reason = "A required field is missing."


class CustomerFactory(Factory):
    class Meta:
        model = subscriptions.Customer

    organisation_number = "5560000001"
    unit = factory.Sequence(lambda n: f"ENHET-{n}")
    name = factory.Sequence(lambda n: f"Trygga Försäkringar {n} AB")
    kind = "forsakringsbolag"


class MemberFactory(Factory):
    class Meta:
        model = subscriptions.Member

    user = factory.SubFactory(UserFactory)
    customer = factory.SubFactory(CustomerFactory)


class InvitationFactory(Factory):
    class Meta:
        model = subscriptions.Invitation

    customer = factory.SubFactory(CustomerFactory)
    email = factory.Sequence(lambda n: f"ny{n}@example.org")
    role = subscriptions.Member.Role.CASE_WORKER
    digest = factory.Sequence(lambda n: f"{n:064x}")
    invited_by = factory.SubFactory(UserFactory, is_staff=True)
    invited_at = AT
    expires_at = AT + timedelta(days=7)


class ContactFactory(Factory):
    class Meta:
        model = subscriptions.Contact

    customer = factory.SubFactory(CustomerFactory)
    name = "Bo Ask"
    email = "bo.ask@example.org"


class AgentFactory(Factory):
    class Meta:
        model = subscriptions.Agent

    customer = factory.SubFactory(CustomerFactory)
    organisation_number = "5590000021"
    name = "Ombudet AB"
    processing_agreement = "PUB-1"
    valid_from = date(2024, 1, 1)


class ApplicationFactory(Factory):
    class Meta:
        model = Application

    name = "Skadesystemet"
    client_type = Application.CLIENT_CONFIDENTIAL
    authorization_grant_type = Application.GRANT_CLIENT_CREDENTIALS


class ApiClientFactory(Factory):
    class Meta:
        model = subscriptions.ApiClient

    application = factory.SubFactory(ApplicationFactory)
    customer = factory.SubFactory(CustomerFactory)
    all_streams = True


class ApiCallFactory(Factory):
    class Meta:
        model = subscriptions.ApiCall

    at = AT
    client = factory.SubFactory(ApiClientFactory)
    method = "GET"
    route = "document"
    status = 200
    milliseconds = 12


class LegalBasisFactory(Factory):
    """A basis in force that lets insurers be told everything of Försäkringskassan's, standing."""

    class Meta:
        model = subscriptions.LegalBasis
        django_get_or_create = ("code", "version")

    code = BASIS
    version = 1
    title_sv = "Skadereglering"
    title_en = "Claims settlement"
    citations = ["Test 1 §"]
    recipient_kinds = ["forsakringsbolag"]
    purpose = PURPOSE
    valid_from = date(2024, 1, 1)
    status = subscriptions.LegalBasis.Status.ACTIVE
    service = subscriptions.LegalBasis.Service.STANDING
    owners = ["FK"]
    classes = CLASSES
    outcomes = ["granted"]
    approved_at = AT


class OwnerApprovalFactory(Factory):
    class Meta:
        model = subscriptions.OwnerApproval

    owner = benefits.Source.PM
    basis_code = BASIS
    benefit = factory.Sequence(lambda n: f"PM:{n}")
    valid_from = date(2024, 1, 1)
    approved_at = AT


class AgreementFactory(Factory):
    class Meta:
        model = subscriptions.Agreement

    customer = factory.SubFactory(CustomerFactory)
    code = factory.Sequence(lambda n: f"AVTAL-{n}")
    status = subscriptions.Agreement.Status.ACTIVE
    valid_from = date(2024, 1, 1)
    signed_by_customer_at = AT
    signed_by_fk_at = AT
    approved_at = AT


class ScopeFactory(Factory):
    """What an agreement covers; `basis` makes the legal basis that the scope names."""

    class Meta:
        model = subscriptions.Scope
        exclude = ["basis"]

    agreement = factory.SubFactory(AgreementFactory)
    basis = factory.SubFactory(LegalBasisFactory)
    purpose = factory.SelfAttribute("basis.purpose")
    basis_code = factory.SelfAttribute("basis.code")
    benefits = [BENEFIT]
    classes = CLASSES
    approved_at = AT


class StreamFactory(Factory):
    class Meta:
        model = subscriptions.Stream

    class Params:
        served = factory.Trait(
            scope=factory.RelatedFactory(ScopeFactory, agreement=factory.SelfAttribute("..agreement"))
        )

    agreement = factory.SubFactory(AgreementFactory)
    purpose = PURPOSE


class ConnectionFactory(Factory):
    """An application that waits to be examined."""

    class Meta:
        model = subscriptions.Connection

    token = factory.Faker("uuid4")
    organisation_number = "5560000001"
    unit = factory.Sequence(lambda n: f"ENHET-{n}")
    name = "Trygga Försäkringar AB"
    kind = "forsakringsbolag"
    signatory_name = "Eva Al"
    signatory_email = "eva.al@example.org"
    contact_name = "Bo Ask"
    contact_email = "bo.ask@example.org"
    parts = [{"basis": BASIS, "benefits": [BENEFIT]}]
    persons = 100
    submitted_at = AT


class NoticeFactory(Factory):
    class Meta:
        model = subscriptions.Notice

    customer = factory.SubFactory(CustomerFactory)
    code = "AGREEMENT_SENT"
    details = {"agreement": "AVTAL-1"}
    at = AT


class ReservationFactory(Factory):
    class Meta:
        model = subscriptions.Reservation

    agreement = factory.SubFactory(AgreementFactory)
    ground = "OSL 10:14"
    text = "Uppgifterna får bara användas av dem som handlägger ärendet."
    set_at = AT


class BlockFactory(Factory):
    class Meta:
        model = subscriptions.Block

    customer = factory.SubFactory(CustomerFactory)
    reason = "Misstänkt intrång hos mottagaren."
    set_at = AT


class ConsentFactory(Factory):
    class Meta:
        model = subscriptions.Consent

    customer = factory.SubFactory(CustomerFactory)
    person = factory.SubFactory(PersonFactory)
    purpose = PURPOSE
    benefits = [BENEFIT]
    classes = CLASSES
    valid_from = date(2026, 1, 1)
    given_on = date(2026, 1, 1)
    evidence = "Blankett 2026-1"


class OrderFactory(Factory):
    class Meta:
        model = subscriptions.Order

    stream = factory.SubFactory(StreamFactory)
    channel = subscriptions.Order.Channel.API
    received_at = AT


class WatchFactory(Factory):
    class Meta:
        model = subscriptions.Watch

    stream = factory.SubFactory(StreamFactory)
    person = factory.SubFactory(PersonFactory)
    ordered_number = factory.SelfAttribute("person.first_number")
    benefit = BENEFIT
    from_date = date(2026, 1, 1)
    opened_at = AT


class OrderLineFactory(Factory):
    """A line that opened a watch in the order's stream."""

    class Meta:
        model = subscriptions.OrderLine

    order = factory.SubFactory(OrderFactory)
    watch = factory.SubFactory(WatchFactory, stream=factory.SelfAttribute("..order.stream"))
    line = factory.Sequence(lambda n: n + 1)
    kind = "nybestallningBevakning"
    number = factory.SelfAttribute("watch.ordered_number")
    benefit = BENEFIT
    from_date = date(2026, 1, 1)
    answer = "OPENED"


class ProtectedReleaseFactory(Factory):
    """Prepared by one and approved by another."""

    class Meta:
        model = subscriptions.ProtectedRelease

    watch = factory.SubFactory(WatchFactory)
    valid_from = date(2026, 1, 1)
    reason = "Nämnden har bett om uppgifterna och behöver dem."
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT
    approved_by = factory.SubFactory(UserFactory)
    approved_at = AT


class LawChangeFactory(Factory):
    class Meta:
        model = subscriptions.LawChange

    kind = "customer"
    customer_id = 1


class PendingFactory(Factory):
    class Meta:
        model = subscriptions.Pending

    watch = factory.SubFactory(WatchFactory)
    reason = subscriptions.Pending.Reason.FIRST
    since = AT


class RunFactory(Factory):
    """A finished run; each on a day of its own."""

    class Meta:
        model = deliveries.Run

    kind = deliveries.Run.Kind.NIGHTLY
    status = deliveries.Run.Status.DONE
    day = factory.Sequence(lambda n: DAY + timedelta(days=n))
    planned_for = AT
    deadline = AT + timedelta(hours=7)
    as_of_import = 1
    as_of_law = 1


class StreamRunFactory(Factory):
    class Meta:
        model = deliveries.StreamRun

    run = factory.SubFactory(RunFactory)
    stream = factory.SubFactory(StreamFactory)


class CandidateFactory(Factory):
    class Meta:
        model = deliveries.Candidate

    run = factory.SubFactory(RunFactory)
    watch = factory.SubFactory(WatchFactory)
    stream = factory.SelfAttribute("watch.stream")


class SigningKeyFactory(Factory):
    """A key without a private half: it is published and listed, and signs nothing."""

    class Meta:
        model = deliveries.SigningKey

    kid = factory.Sequence(lambda n: f"2026-11-01-{n:08x}")
    algorithm = "EdDSA"
    public_jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    created_at = AT
    signs_from = AT


class ReceiptFactory(Factory):
    class Meta:
        model = deliveries.Receipt

    stream = factory.SubFactory(StreamFactory)
    number = factory.Sequence(lambda n: n + 1)
    kind = deliveries.Receipt.Kind.MANIFEST
    key = factory.LazyFunction(lambda: deliveries.SigningKey.objects.first() or signer(FIRST_KEY).key)
    previous = factory.Sequence(lambda n: f"{n:064x}")
    sha256 = factory.Sequence(lambda n: f"{n + 1:064x}")
    jws = "e30.e30.AA"


class DeliveryFactory(Factory):
    class Meta:
        model = deliveries.Delivery

    stream = factory.SubFactory(StreamFactory)
    run = factory.SubFactory(RunFactory)
    number = factory.Sequence(lambda n: n + 1)
    sha256 = factory.Sequence(lambda n: f"{n:064x}")
    size = 2048
    schema_version = "1.0.0"
    as_of_import = 1
    as_of_law = 1
    day = DAY
    persons = 1
    blocks = 1
    planned_for = AT
    released_at = AT
    manifest = factory.SubFactory(
        ReceiptFactory, stream=factory.SelfAttribute("..stream"), number=factory.SelfAttribute("..number")
    )


class StoredDecisionFactory(Factory):
    class Meta:
        model = deliveries.StoredDecision

    key = factory.Sequence(lambda n: f"{n:064x}")
    day = DAY
    outcome = "allowed"
    basis_code = BASIS
    basis_version = 1
    scope_version = 1
    benefit = BENEFIT
    classes = CLASSES
    profile = {"basis": {"outcomes": ["granted"]}}


class DisclosureFactory(Factory):
    """That the watch's customer was told of the watch's person, in a delivery of the watch's stream."""

    class Meta:
        model = deliveries.Disclosure

    watch = factory.SubFactory(WatchFactory)
    delivery = factory.SubFactory(DeliveryFactory, stream=factory.SelfAttribute("..watch.stream"))
    customer = factory.SelfAttribute("watch.stream.agreement.customer")
    person = factory.SelfAttribute("watch.person")
    decision = factory.SubFactory(StoredDecisionFactory)
    outcome = deliveries.Disclosure.Outcome.SENT
    from_date = factory.SelfAttribute("watch.from_date")


class ToldFactory(Factory):
    class Meta:
        model = deliveries.Told

    watch = factory.SubFactory(WatchFactory)
    section = SECTION
    digest = "0" * 64
    delivery = factory.SubFactory(DeliveryFactory, stream=factory.SelfAttribute("..watch.stream"))


class FetchFactory(Factory):
    class Meta:
        model = deliveries.Fetch

    delivery = factory.SubFactory(DeliveryFactory)
    at = AT
    client = "skadesystemet"


class HandoutReleaseFactory(Factory):
    """Prepared by one and approved by another."""

    class Meta:
        model = deliveries.HandoutRelease

    delivery = factory.SubFactory(DeliveryFactory)
    reason = "Kundens system har förlorat dokumentet."
    valid_to = DAY
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT
    approved_by = factory.SubFactory(UserFactory)
    approved_at = AT


class SpontaneousDisclosureFactory(Factory):
    """A proposal: nothing has been told."""

    class Meta:
        model = deliveries.SpontaneousDisclosure

    customer = factory.SubFactory(CustomerFactory, kind="socialnamnd")
    person = factory.SubFactory(PersonFactory)
    basis_code = "KOM-SOC"
    benefit = BENEFIT
    from_date = date(2026, 1, 1)
    reason = "Nämnden utreder ett barn och behöver veta."
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT


class PurgeFactory(Factory):
    class Meta:
        model = deliveries.Purge

    kind = deliveries.Purge.Kind.DOCUMENTS
    reference = "SFB (2010:110) 114 kap. 15 §"
    decision = "Gallringsbeslut 2026:1"
    before = AT
    at = AT


class PurgedFactory(Factory):
    class Meta:
        model = deliveries.Purged

    purge = factory.SubFactory(PurgeFactory)
    delivery = factory.SubFactory(DeliveryFactory)


class CheckpointFactory(Factory):
    class Meta:
        model = deliveries.Checkpoint

    stream = factory.SubFactory(StreamFactory)
    number = factory.Sequence(lambda n: n + 1)
    sha256 = "0" * 64
    watches = 1
    made_at = AT
    key = factory.SubFactory(SigningKeyFactory)
    jws = "e30.e30.AA"


class LegalHoldFactory(Factory):
    class Meta:
        model = deliveries.LegalHold

    everything = True
    reason = "Tvist i förvaltningsrätten."
    set_by = factory.SubFactory(UserFactory)
    set_at = AT


class HoldLiftFactory(Factory):
    """A proposal: the hold is in force."""

    class Meta:
        model = deliveries.HoldLift

    hold = factory.SubFactory(LegalHoldFactory)
    reason = "Tvisten är avgjord."
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT


class PersonReportFactory(Factory):
    """Made by one, and by default not yet reviewed; one with `approved_at` was approved by another."""

    class Meta:
        model = deliveries.PersonReport

    class Params:
        approved = factory.LazyAttribute(lambda made: made.approved_at is not None)

    person = factory.SubFactory(PersonFactory)
    requested_on = DAY
    reference = "DNR 2026-17"
    as_of = AT
    content = '{"parts": {}, "withheld": 0}'
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT
    approved_at = None
    approved_by = factory.Maybe("approved", yes_declaration=factory.SubFactory(UserFactory), no_declaration=None)
    sha256 = factory.LazyAttribute(lambda made: "1" * 64 if made.approved else "")


class WithholdingFactory(Factory):
    class Meta:
        model = deliveries.Withholding

    report = factory.SubFactory(PersonReportFactory)
    row = "told-1"
    ground = "OSL (2009:400) 21 kap. 3 §"
    reason = "Kan röja var en annan person är."
    by = factory.SubFactory(UserFactory)
    at = AT


class ReconciliationFactory(Factory):
    """A list that waits to be compared."""

    class Meta:
        model = deliveries.Reconciliation

    stream = factory.SubFactory(StreamFactory)
    client = "skadesystemet"
    form = deliveries.Reconciliation.Form.CSV
    size = 100
    sha256 = "0" * 64
    received_at = AT


class ReconciliationLineFactory(Factory):
    """A watch that the customer did not name."""

    class Meta:
        model = deliveries.ReconciliationLine

    reconciliation = factory.SubFactory(ReconciliationFactory)
    kind = deliveries.ReconciliationLine.Kind.ONLY_WE
    watch = factory.SubFactory(WatchFactory, stream=factory.SelfAttribute("..reconciliation.stream"))
    number = factory.SelfAttribute("watch.ordered_number")
    benefit = BENEFIT


class ClosingProposalFactory(Factory):
    class Meta:
        model = deliveries.ClosingProposal

    watch = factory.SubFactory(WatchFactory)
    stream = factory.SelfAttribute("watch.stream")
    reason = deliveries.ClosingProposal.Reason.DORMANT
    since = AT - timedelta(days=400)
    noted_at = AT


class AuditEventFactory(Factory):
    class Meta:
        model = audit.AuditEvent

    at = AT
    actor = factory.SubFactory(UserFactory)
    action = audit.Action.READ
    object_type = "person"
    object_id = "1"


class FollowUpFactory(Factory):
    """A month in which nothing unusual was found; with findings, `lefi.audit.followup.freeze` keeps one."""

    class Meta:
        model = audit.FollowUp

    month = factory.Sequence(lambda n: date(2000 + n // 12, n % 12 + 1, 1))
    found_at = AT
    due_at = AT
    thresholds = {"many_persons": 50}
    findings = 0
    digest = "0" * 64


class FindingFactory(Factory):
    class Meta:
        model = audit.Finding

    followup = factory.SubFactory(FollowUpFactory)
    rule = audit.Finding.Rule.MANY
    reader = factory.SubFactory(UserFactory)
    day = DAY
    persons = 60
    reads = 70


class SignOffFactory(Factory):
    class Meta:
        model = audit.SignOff

    followup = factory.SubFactory(FollowUpFactory)
    by = factory.SubFactory(UserFactory)
    at = AT
    remarks = "Genomgånget."
    findings = 0
    digest = "0" * 64


class ReversalFactory(Factory):
    """Prepared by one and approved by another; the import itself is not undone."""

    class Meta:
        model = benefits.Reversal

    imported = factory.SubFactory(ImportFactory)
    reason = "Körningen gick en månad för tidigt."
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT
    approved_by = factory.SubFactory(UserFactory)
    approved_at = AT


class LeftAsItIsFactory(Factory):
    class Meta:
        model = benefits.LeftAsItIs

    reversal = factory.SubFactory(ReversalFactory)
    person = factory.SubFactory(PersonFactory)
    section = SECTION
    why = benefits.LeftAsItIs.Why.LATER


class HeldSliceFactory(Factory):
    class Meta:
        model = deliveries.HeldSlice

    stream = factory.SubFactory(StreamFactory)
    benefit = BENEFIT
    run = factory.SubFactory(RunFactory)
    watches = 220_000
    limit = 1200
    usual = 400
    held_at = AT


class SliceVerdictFactory(Factory):
    """Prepared by one; nobody has approved it."""

    class Meta:
        model = deliveries.SliceVerdict

    slice = factory.SubFactory(HeldSliceFactory)
    verdict = deliveries.SliceVerdict.Verdict.RELEASE
    reason = "Höjningen är riktig."
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT


class DebtCheckFactory(Factory):
    class Meta:
        model = deliveries.DebtCheck

    status = deliveries.DebtCheck.Status.DONE
    started_at = AT
    ended_at = AT
    counts = {"watches": 3, "equal": 2, "debts": 1}


class DebtFactory(Factory):
    class Meta:
        model = deliveries.Debt

    watch = factory.SubFactory(WatchFactory)
    section = SECTION
    cause = deliveries.Debt.Cause.UNTOLD
    since_import = 1
    found_at = AT


class OrderedRunFactory(Factory):
    """Prepared by one; nobody has approved it."""

    class Meta:
        model = deliveries.OrderedRun

    kind = deliveries.Run.Kind.REPAIR
    cause = "Retroaktiv föräldrapenning kom inte med."
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT


class LagFactory(Factory):
    class Meta:
        model = deliveries.Lag

    delivery = factory.SubFactory(DeliveryFactory)
    stream = factory.SelfAttribute("delivery.stream")
    kind = deliveries.Lag.Kind.NOT_FETCHED
    since = AT
    alerted_at = AT


class NoRunFactory(Factory):
    class Meta:
        model = deliveries.NoRun

    day = factory.Sequence(lambda n: DAY + timedelta(days=n))
    reason = "Driftstopp"


class SchemaAnnouncementFactory(Factory):
    """A version that was announced and has come into force since; without `over_at` it is coming, and only one can."""

    class Meta:
        model = deliveries.SchemaAnnouncement

    version = factory.Sequence(lambda n: f"99.{n}.0")
    catalogue = factory.LazyAttribute(lambda made: DATA.read_text("utf-8").replace(catalogue().version, made.version))
    in_force_from = DAY + timedelta(days=90)
    over_at = AT
    prepared_by = factory.SubFactory(UserFactory)
    prepared_at = AT
    approved_by = factory.SubFactory(UserFactory)
    approved_at = AT


class SchemaValidationFactory(Factory):
    class Meta:
        model = deliveries.SchemaValidation

    customer = factory.SubFactory(CustomerFactory)
    version = "1.0+9.0.0-1"
    ok = True
    at = AT
    client = "skadesystemet"


class ServiceNoticeFactory(Factory):
    class Meta:
        model = service.ServiceNotice

    kind = service.ServiceNotice.Kind.NEWS
    title_sv = "Nytt på sidorna"
    title_en = "New on the pages"
    text_sv = "Så här är det nu."
    text_en = "This is how it is now."
    begins_at = AT
    published_at = AT
    published_by = factory.SubFactory(UserFactory)
    changed_at = AT
