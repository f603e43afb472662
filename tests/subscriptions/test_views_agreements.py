"""The portal's pages about agreements: whose they are, what they show, who signs."""

import pytest

from subscriptions import agreementtext, notices
from subscriptions.models import Agreement, Member, Scope
from subscriptions.templatetags import law
from tests.factories import AT, AgreementFactory, LegalBasisFactory, NoticeFactory, ScopeFactory, UserFactory

LIST = "/agreements/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(client, member):
    client.force_login(member.user)
    return client


@pytest.fixture
def administrator(member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.ADMINISTRATOR)
    return member


@pytest.fixture
def agreement(member):
    """An agreement of the member's customer that waits for its signature."""
    agreement = AgreementFactory(
        customer=member.customer,
        status=Agreement.Status.SENT,
        sent_at=AT,
        signed_by_customer_at=None,
        signed_by_fk_at=None,
        approved_at=None,
        prepared_by=UserFactory(),
        prepared_at=AT,
    )
    ScopeFactory(agreement=agreement, approved_at=None, prepared_by=agreement.prepared_by, prepared_at=AT)
    agreement.document = agreementtext.written(agreementtext.document(agreement))
    agreement.document_sha256 = agreementtext.digest(agreement.document)
    agreement.save()
    return agreement


@pytest.fixture
def active(member):
    """An agreement in force that was widened once and then narrowed."""
    agreement = AgreementFactory(customer=member.customer)
    basis = LegalBasisFactory(citations=["OSL (2009:400) 10 kap. 1 §"])
    ScopeFactory(agreement=agreement, basis=basis, classes=["benefit", "period"])
    ScopeFactory(
        agreement=agreement,
        basis=basis,
        version=2,
        benefits=["FK:SJP", "FK:BB"],
        classes=["benefit", "period", "amount"],
    )
    ScopeFactory(agreement=agreement, basis=basis, version=3, benefits=["FK:SJP"], look_back_days=365)
    return agreement


def page(client, agreement, part: str = "") -> str:
    return client.get(f"{LIST}{agreement.pk}/{part}").content.decode()


def sign(client, agreement, **answers):
    form = {"signatory": "Eva Al", "may_sign": "on", "document_sha256": agreement.document_sha256} | answers
    return client.post(f"{LIST}{agreement.pk}/sign/", {name: text for name, text in form.items() if text})


@pytest.mark.parametrize("part", ["", "document/", "pdf/"])
def test_a_stranger_finds_no_agreement_of_others(client, stranger, agreement, part):
    client.force_login(stranger.user)

    assert client.get(f"{LIST}{agreement.pk}/{part}").status_code == 404
    assert agreement.code not in client.get(LIST).content.decode()


def test_a_stranger_signs_nothing(client, stranger, agreement):
    Member.objects.filter(pk=stranger.pk).update(role=Member.Role.ADMINISTRATOR)
    client.force_login(stranger.user)

    assert sign(client, agreement).status_code == 404
    agreement.refresh_from_db()
    assert agreement.status == Agreement.Status.SENT


@pytest.mark.parametrize("role", [Member.Role.CASE_WORKER, Member.Role.INTEGRATION])
def test_only_an_administrator_signs(client, member, agreement, role):
    Member.objects.filter(pk=member.pk).update(role=role)

    assert sign(client, agreement).status_code == 403
    assert "/sign/" not in page(client, agreement)
    agreement.refresh_from_db()
    assert agreement.status == Agreement.Status.SENT


@pytest.mark.parametrize("answers", [{"signatory": ""}, {"may_sign": ""}, {"signatory": "Eva 19640823-3234"}])
def test_a_signature_needs_a_name_and_a_yes(client, administrator, agreement, answers):
    answer = sign(client, agreement, **answers)

    assert set(answer.context["form"].errors) == set(answers)
    agreement.refresh_from_db()
    assert agreement.status == Agreement.Status.SENT


def test_another_document_than_the_one_read_is_not_signed(client, administrator, agreement):
    answer = sign(client, agreement, document_sha256="0" * 64)

    assert answer.status_code == 302
    assert "message-box--error" in page(client, agreement)
    agreement.refresh_from_db()
    assert agreement.status == Agreement.Status.SENT


def test_an_administrator_signs_once(client, administrator, agreement):
    sign(client, agreement)

    agreement.refresh_from_db()
    assert agreement.status == Agreement.Status.SIGNED_BY_CUSTOMER
    assert agreement.customer_signatory == "Eva Al"
    assert "/sign/" not in page(client, agreement)
    sign(client, agreement, signatory="Någon Annan")
    agreement.refresh_from_db()
    assert agreement.customer_signatory == "Eva Al"


def test_an_agreement_is_not_shown_before_it_is_sent(client, member):
    prepared = AgreementFactory(customer=member.customer, status=Agreement.Status.EXAMINED, approved_at=None)

    assert client.get(f"{LIST}{prepared.pk}/").status_code == 404


def test_an_agreement_says_in_words_what_it_covers(client, active):
    shown = page(client, active)

    assert "Skadereglering" in shown and "Sjukpenning" in shown and "Belopp" in shown
    assert 'href="https://rkrattsbaser.gov.se/sfst?bet=2009:400"' in shown


def test_the_history_shows_what_each_version_changed(client, active):
    covers = client.get(f"{LIST}{active.pk}/").context["covers"]

    [covered] = covers
    third, second, first = covered.versions
    assert (first[0].version, first[1].benefits_gained) == (1, ("FK:SJP",))
    assert second[1].benefits_gained == ("FK:BB",) and second[1].classes_gained == ("amount",)
    assert third[1].benefits_lost == ("FK:BB",) and third[1].look_back == (730, 365)


def test_a_widening_that_waits_is_no_part_of_what_is_covered(client, active):
    author = UserFactory()
    ScopeFactory(
        agreement=active, version=4, benefits=["FK:SJP", "FK:US"], approved_at=None, prepared_by=author, prepared_at=AT
    )

    [covered] = client.get(f"{LIST}{active.pk}/").context["covers"]

    assert covered.scope.version == 3


def test_the_document_shown_is_the_one_that_was_sent(client, agreement):
    Scope.objects.all().delete()

    assert "Sjukpenning" in page(client, agreement, "document/")


def test_the_page_to_print_holds_the_document_alone(client, agreement):
    shown = page(client, agreement, "document/")

    assert f"Avtal {agreement.code}" in shown
    assert "<nav" not in shown and "<form" not in shown


def test_the_pdf_is_a_file_named_by_the_agreement(client, agreement):
    answer = client.get(f"{LIST}{agreement.pk}/pdf/")

    assert answer["Content-Type"] == "application/pdf"
    assert f'filename="avtal-{agreement.code.lower()}.pdf"' in answer["Content-Disposition"]
    assert answer.content.startswith(b"%PDF-")


def test_staff_who_may_see_agreements_read_the_document_without_being_members(client, staff, agreement):
    client.force_login(staff)

    assert agreement.code in page(client, agreement, "document/")
    assert client.get(f"{LIST}{agreement.pk}/").status_code == 404


def test_a_list_of_many_agreements_has_pages_and_as_many_queries_as_one(client, member, django_assert_max_num_queries):
    for agreement in AgreementFactory.create_batch(25, customer=member.customer):
        ScopeFactory(agreement=agreement)

    with django_assert_max_num_queries(6):
        shown = client.get(LIST)

    assert len(shown.context["rows"]) == 20
    assert len(client.get(LIST, {"page": "2"}).context["rows"]) == 5


def test_a_list_without_agreements_leads_to_the_application(client):
    assert 'href="/connect/"' in client.get(LIST).content.decode()


def test_notices_are_messages_on_the_start_page_the_newest_first(client, member, stranger):
    for code in ("A-1", "A-2", "A-3", "A-4", "A-5", "A-6"):
        NoticeFactory(customer=member.customer, details={"agreement": code})
    NoticeFactory(customer=stranger.customer, details={"agreement": "ANNANS"})

    shown = client.get("/")

    assert [said.notice.details["agreement"] for said in shown.context["notices"]] == [
        "A-6",
        "A-5",
        "A-4",
        "A-3",
        "A-2",
    ]
    everything = client.get("/notices/").content.decode()
    assert "A-1" in everything and "ANNANS" not in everything


@pytest.mark.parametrize(
    ("code", "leads_to"),
    [
        ("AGREEMENT_SENT", LIST),
        ("BASIS_CLOSED", LIST),
        ("RESERVATION_SET", "/reservations/"),
        ("RECONFIRM_SOON", "/watches/reconfirm/"),
        ("SPONTANEOUS", "/unasked/"),
    ],
)
def test_a_notice_leads_on_to_what_it_speaks_of(client, member, code, leads_to):
    details = {"agreement": "A-1", "day": "2026-03-01", "basis": "B", "use_instead": "", "watches": 1}
    NoticeFactory(customer=member.customer, code=code, details=details)

    page = client.get("/notices/").content.decode()

    assert f'<a class="anchor" href="{leads_to}">' in page


def test_every_notice_to_a_customer_leads_somewhere():
    to_customers = {code for code in notices.WORDS if not code.startswith("CONNECTION_")}

    assert to_customers == set(law.PLACES)


def test_a_list_of_many_notices_has_pages(client, member, django_assert_max_num_queries):
    NoticeFactory.create_batch(25, customer=member.customer, details={"agreement": "A"})

    with django_assert_max_num_queries(7):
        assert len(client.get("/notices/").context["notices"]) == 20


def test_every_notice_has_words(member):
    details = {"agreement": "A", "reason": "R", "day": "D", "basis": "B", "use_instead": "", "watches": 1}
    details |= {"kid": "K", "number": 1, "version": "2.0"}
    for code in notices.WORDS:
        notice = NoticeFactory(customer=member.customer, code=code, details=details)
        assert notices.subject(notice) and notices.body(notice)


@pytest.mark.parametrize("url", [LIST, f"{LIST}1/", f"{LIST}1/document/", f"{LIST}1/pdf/", "/notices/"])
def test_who_is_not_logged_in_is_led_to_the_login(client, url):
    client.logout()

    assert client.get(url).url.startswith("/accounts/login/")


def test_a_form_that_does_not_hold_says_so_at_the_top_and_leads_to_what_is_marked(client, administrator, agreement):
    page = client.post(f"{LIST}{agreement.pk}/sign/", {"signatory": ""}).content.decode()

    assert page.index('role="alert"') < page.index("<dl") and 'href="#sign"' in page
    assert not Agreement.objects.get().signed_by_customer_at


def test_the_document_alone_leads_back_to_the_agreement(client, agreement):
    assert f'href="{LIST}{agreement.pk}/"' in client.get(f"{LIST}{agreement.pk}/document/").content.decode()
