"""The next version of the schema: what differs, what is published, whom it is told to, and that one comes at a time."""

import json
from copy import deepcopy
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree

from benefits.catalogue import DATA, catalogue, parse
from deliveries import schemachange, schemawords, tasks
from deliveries.document import NAMESPACE
from deliveries.models import SchemaAnnouncement, SchemaValidation
from deliveries.schemachange import SchemaRefused
from deliveries.schemadiff import ADDED, CHANGED, REMOVED, difference, flat, outermost
from lefi.foureyes import NotApproved
from subscriptions.models import Notice
from subscriptions.notices import mail_unsent
from tests.factories import (
    AT,
    DAY,
    ApiClientFactory,
    ContactFactory,
    CustomerFactory,
    SchemaAnnouncementFactory,
    UserFactory,
)
from tests.lefi.test_pages import fault_free
from tests.partners import partner, refusal_of

NEXT = "9.1.0-1"
IN_FORCE, COMING = "1.0+9.0.0-1", f"1.0+{NEXT}"
SOON = DAY + timedelta(days=90)
RAW = json.loads(DATA.read_text(encoding="utf-8"))
TELL = "/api/v1/schema-validations/"
OF_WHAT_IS_COMING = ["diff.json", "leverans.xsd", "leverans.json", "catalogue.json", "sample.xml", "sample.json"]
Raw = dict[str, Any]


def text_of(*edits: Any, version: str = NEXT) -> str:
    """The product's own catalogue as another version, edited."""
    raw = deepcopy(RAW)
    raw["version"] = version
    for edit in edits:
        edit(raw)
    return json.dumps(raw, ensure_ascii=False)


def changes(*edits: Any) -> list[tuple[str, str, str, bool]]:
    found = difference(catalogue(), parse(text_of(*edits)))
    return [(one.what, one.path, one.attribute, one.breaking) for one in found]


def header(raw: Raw) -> list[Raw]:
    return raw["sections"]["person"]["fields"]


def new_field(raw: Raw) -> None:
    """A field of the header, with codes."""
    codes = {"A": {"sv": "Ett", "en": "One"}}
    header(raw).append({"name": "nytt", "type": "string", "class": "period", "sv": "Nytt", "en": "New", "codes": codes})


def without_field(raw: Raw) -> None:
    header(raw).pop()


def other_type(raw: Raw) -> None:
    header(raw)[-1].update(type="decimal")


def other_class(raw: Raw) -> None:
    header(raw)[-1].update({"class": "reason"})


def renamed(raw: Raw) -> None:
    header(raw)[-1].update(sv="Annat namn")


def one_becomes_many(raw: Raw) -> None:
    header(raw)[-1].update(many=True)


def turned_round(raw: Raw) -> None:
    header(raw).reverse()


def other_order_name(raw: Raw) -> None:
    raw["benefits"]["FK:SJP"].update(order_name="sjukpenningNy")


def new_benefit(raw: Raw) -> None:
    paid = {"order_name": "nyForman", "sections": ["utbetalningsuppgift"]}
    raw["benefits"]["FK:NY"] = raw["benefits"]["FK:SJP"] | paid


def new_class(raw: Raw) -> None:
    raw["classes"]["ny"] = {"sv": "Ny", "en": "New"}


def new_code(raw: Raw) -> None:
    raw["code_sets"]["periodicitet"]["9"] = {"sv": "Vartannat år", "en": "Every other year"}


def new_payment_code(raw: Raw) -> None:
    raw["payments"]["codes"]["NY"] = {"benefit": "FK:SJP", "ours": True}


EDITS = [
    new_field,
    without_field,
    other_type,
    other_class,
    renamed,
    one_becomes_many,
    turned_round,
    other_order_name,
    new_benefit,
    new_class,
    new_code,
    new_payment_code,
]
LAST = header(RAW)[-1]["name"]
AT_LAST = f"sections/person/fields/{LAST}"


def test_a_catalogue_does_not_differ_from_itself():
    assert difference(catalogue(), parse(DATA.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (
            new_field,
            [
                (ADDED, "sections/person/fields/nytt", "", False),
                (ADDED, "sections/person/fields/nytt/codes/A", "", False),
            ],
        ),
        (without_field, [(REMOVED, AT_LAST, "", True)]),
        (other_type, [(CHANGED, AT_LAST, "type", True)]),
        (other_class, [(CHANGED, AT_LAST, "class", True)]),
        (renamed, [(CHANGED, AT_LAST, "sv", False)]),
        (one_becomes_many, [(CHANGED, AT_LAST, "many", True), (CHANGED, AT_LAST, "at_most", True)]),
        (turned_round, [(CHANGED, "sections/person", "order", True)]),
        (other_order_name, [(CHANGED, "benefits/FK:SJP", "order_name", True)]),
        (new_class, [(ADDED, "classes/ny", "", False)]),
        (new_payment_code, [(ADDED, "payment_codes/NY", "", False)]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_change_is_said_with_its_path_and_whether_it_can_break_a_receiver(edit, expected):
    assert changes(edit) == expected


def test_a_new_code_can_break_a_receiver_only_where_the_set_is_said_to_be_closed():
    found = [one for one in difference(catalogue(), parse(text_of(new_code))) if one.what == ADDED]

    fields = flat(parse(text_of(new_code)))
    assert found
    for one in found:
        assert one.breaking is fields[one.path.rpartition("/codes/")[0]].attributes["closed"]


def test_of_what_comes_whole_only_the_whole_is_read_to_people():
    found = difference(catalogue(), parse(text_of(new_field)))

    assert [one.path for one in outermost(found)] == ["sections/person/fields/nytt"]


@hypothesis_settings(max_examples=25)
@given(st.lists(st.sampled_from(EDITS), unique=True), st.booleans())
def test_what_differs_makes_the_one_catalogue_of_the_other_whichever_way(edits, back):
    """With what is removed taken away, what is added put in and what is changed set, nothing differs."""
    pair = catalogue(), parse(text_of(*edits))
    before, after = reversed(pair) if back else pair
    made = {path: (one.kind, dict(one.attributes)) for path, one in flat(before).items()}
    for one in difference(before, after):
        if one.what == REMOVED:
            assert made.pop(one.path) == (one.kind, one.before)
        elif one.what == ADDED:
            assert one.path not in made
            made[one.path] = one.kind, one.after
        elif one.attribute != "order":
            assert made[one.path][1][one.attribute] == one.before
            made[one.path][1][one.attribute] = one.after

    def but_for_order(things):
        return {
            path: (kind, {name: value for name, value in said.items() if name != "order"})
            for path, (kind, said) in things.items()
        }

    wanted = {path: (one.kind, dict(one.attributes)) for path, one in flat(after).items()}
    assert but_for_order(made) == but_for_order(wanted)


# Announcing


@pytest.fixture
def officer(db):
    return UserFactory()


def proposed(by: Any, *edits: Any, day: Any = SOON, version: str = NEXT) -> SchemaAnnouncement:
    return schemachange.propose_announcement(
        text=text_of(*(edits or [new_field]), version=version), in_force_from=day, by=by, at=AT
    )


def announced(by: Any, *edits: Any) -> SchemaAnnouncement:
    row = proposed(by, *edits)
    schemachange.approve_announcement(row=row, by=UserFactory(), at=AT)
    return row


def codes() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("code", flat=True))


def deployed(row: SchemaAnnouncement):
    """The announced catalogue in the product's place."""
    return mock.patch.object(schemachange, "catalogue", lambda: parse(row.catalogue))


def test_a_proposal_is_not_coming_until_another_approves_it(officer):
    row = proposed(officer)
    assert schemachange.coming() is None
    with pytest.raises(NotApproved, match="SAME_PERSON"):
        schemachange.approve_announcement(row=row, by=officer, at=AT)
    assert codes() == []

    CustomerFactory()
    CustomerFactory(active=False)
    schemachange.approve_announcement(row=row, by=UserFactory(), at=AT)

    assert schemachange.coming() == row
    notice = Notice.objects.get()
    assert (notice.code, notice.details) == ("SCHEMA_ANNOUNCED", {"version": COMING, "day": str(SOON)})


def test_the_contacts_are_mailed(officer, mailoutbox):
    ContactFactory()
    announced(officer)
    mail_unsent(AT)

    assert COMING in mailoutbox[0].body and "/schema/" in mailoutbox[0].body


def test_the_task_of_each_morning_reminds(officer, monkeypatch):
    CustomerFactory()
    announced(officer)
    monkeypatch.setattr("django.utils.timezone.now", lambda: AT + timedelta(days=85))

    assert [tasks.remind_of_the_next_schema() for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("code", "text", "day"),
    [
        ("CATALOGUE_FAULT", "", SOON),
        ("CATALOGUE_FAULT", "[]", SOON),
        ("CATALOGUE_FAULT", '{"classes": {}, "owners": {}}', SOON),
        ("CATALOGUE_FAULT", "[" * 100_000, SOON),
        ("CATALOGUE_FAULT", text_of(lambda raw: raw.update(benefits=7)), SOON),
        ("CATALOGUE_FAULT", text_of(lambda raw: header(raw)[0].update({"name": "two words"})), SOON),
        ("CATALOGUE_FAULT", text_of(lambda raw: header(raw)[0].update({"class": "none"})), SOON),
        ("CATALOGUE_FAULT", text_of(new_field, version="newer"), SOON),
        ("NOT_HIGHER", text_of(new_field, version="9.0.0-1"), SOON),
        ("NOT_HIGHER", text_of(new_field, version="8.11.0-1"), SOON),
        ("NO_CHANGE", text_of(), SOON),
        ("NOTICE_TOO_SHORT", text_of(new_field), DAY + timedelta(days=59)),
    ],
)
def test_what_is_not_announced(officer, code, text, day):
    with pytest.raises(SchemaRefused, match=code):
        schemachange.propose_announcement(text=text, in_force_from=day, by=officer, at=AT)

    assert not SchemaAnnouncement.objects.exists()


def test_only_one_is_coming_at_a_time(officer):
    row = proposed(officer)
    with pytest.raises(SchemaRefused, match="ANOTHER_COMING"):
        proposed(officer, version="9.2.0")
    schemachange.approve_announcement(row=row, by=UserFactory(), at=AT)
    with pytest.raises(SchemaRefused, match="ANOTHER_COMING"):
        proposed(officer, version="9.2.0")


def test_a_proposal_whose_day_has_come_too_near_is_not_approved(officer):
    row = proposed(officer)
    with pytest.raises(SchemaRefused, match="NOTICE_TOO_SHORT"):
        schemachange.approve_announcement(row=row, by=UserFactory(), at=AT + timedelta(days=40))


def test_one_reminder_a_week_before(officer):
    CustomerFactory()
    announced(officer)
    week_before = AT + timedelta(days=83)

    assert not schemachange.remind(week_before - timedelta(days=1))
    assert schemachange.remind(week_before)
    assert not schemachange.remind(week_before)
    assert codes() == ["SCHEMA_ANNOUNCED", "SCHEMA_SOON"]


def test_nobody_is_reminded_of_a_proposal_or_of_a_day_that_has_passed(officer):
    CustomerFactory()
    row = proposed(officer)
    assert not schemachange.remind(AT + timedelta(days=85))
    SchemaAnnouncement.objects.filter(pk=row.pk).update(approved_by=UserFactory(), approved_at=AT)
    assert not schemachange.remind(AT + timedelta(days=91))


def test_it_is_over_when_it_has_been_deployed_and_another_can_come(officer, client):
    row = announced(officer)
    with deployed(row):
        assert schemachange.coming() is None
        assert schemachange.version_in_force() == COMING
        assert proposed(officer, new_field, new_class, version="9.2.0").version == "9.2.0"
    row.refresh_from_db()
    assert (row.over_at, row.withdrawn) == (AT, False)


@pytest.mark.parametrize("same", [True, False])
def test_a_deployment_of_something_else_under_the_announced_version_is_logged(officer, same):
    row = announced(officer)
    other = parse(row.catalogue if same else text_of(new_class))
    with (
        mock.patch.object(schemachange, "catalogue", lambda: other),
        mock.patch.object(schemachange.log, "error", create=True) as error,
    ):
        schemachange.settle(AT)
        schemachange.settle(AT)

    assert error.call_count == (0 if same else 1)


def test_a_withdrawn_version_is_told_to_be_and_leaves_its_place(officer):
    CustomerFactory()
    row = announced(officer)
    schemachange.withdraw_announcement(row=row, by=officer, at=AT, reason="Källan hinner inte.")

    assert schemachange.coming() is None
    assert codes() == ["SCHEMA_ANNOUNCED", "SCHEMA_WITHDRAWN"]
    with pytest.raises(SchemaRefused, match="NOT_COMING"):
        schemachange.withdraw_announcement(row=row, by=officer, at=AT, reason="Igen.")
    assert proposed(officer).pk


# What is published


def test_the_machine_readable_changes(officer, client):
    announced(officer, without_field, new_field)
    said = client.get("/schema/next/diff.json").json()

    assert (said["format"], said["from"], said["to"]) == ("lefi-schema-diff/1", IN_FORCE, COMING)
    assert (said["in_force_from"], said["breaking"]) == (str(SOON), True)
    assert [(one["path"], one["what"], one["kind"], one["breaking"]) for one in said["changes"]] == [
        (AT_LAST, "removed", "field", True),
        ("sections/person/fields/nytt", "added", "field", False),
        ("sections/person/fields/nytt/codes/A", "added", "code", False),
    ]
    removed, added_field, _ = said["changes"]
    assert removed["before"]["sv"] == header(RAW)[-1]["sv"] and removed["after"] is None
    assert added_field["before"] is None and added_field["after"]["type"] == "string"


@pytest.mark.parametrize("edits", [[new_field], EDITS[:1] + EDITS[3:]], ids=["one", "many"])
def test_the_samples_are_valid_against_the_schemas_to_come_and_have_all_that_is_new(officer, client, edits):
    row = announced(officer, *edits)
    known = parse(row.catalogue)
    document = client.get("/schema/next/sample.xml").content
    tree = etree.fromstring(document)
    etree.XMLSchema(etree.fromstring(client.get("/schema/next/leverans.xsd").content)).assertValid(tree)
    Draft202012Validator(client.get("/schema/next/leverans.json").json()).validate(
        client.get("/schema/next/sample.json").json()
    )

    assert tree.findtext(".//{*}slag") == "prov"
    assert b"PROVDOKUMENT" in document.split(b"<leverans")[0]
    assert {one.get("sektion") for one in tree.iterfind(".//{*}person/{*}block")} == known.sections.keys()
    for name, section in known.sections.items():
        item = tree.find(f".//{{*}}block/{{*}}{name}")
        assert {etree.QName(one).localname for one in item.iterdescendants()} == {one.name for one in section.walk()}


def test_nobody_in_a_sample_has_a_number_that_anybody_holds(officer, client):
    announced(officer)
    tree = etree.fromstring(client.get("/schema/next/sample.xml").content)

    assert {one.text[8:11] for one in tree.iter(f"{{{NAMESPACE}}}personnummer") if len(one.text) == 12} == {"980"}


@pytest.mark.parametrize("name", OF_WHAT_IS_COMING)
def test_there_is_nothing_to_come_before_it_is_announced(db, client, name):
    assert client.get(f"/schema/next/{name}").status_code == 404


@pytest.mark.parametrize("name", OF_WHAT_IS_COMING)
def test_what_is_to_come_is_public_and_asks_the_database_once(client, officer, django_assert_num_queries, name):
    row = announced(officer)
    with django_assert_num_queries(1):
        answer = client.get(f"/schema/next/{name}")

    assert answer.status_code == 200
    assert set(answer["Cache-Control"].split(", ")) == {"public", "max-age=300"}
    assert client.post(f"/schema/next/{name}").status_code == 405
    if name == "catalogue.json":
        assert answer.content.decode() == row.catalogue


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_page_of_versions_says_what_is_in_force_what_is_coming_and_what_was(client, officer, language):
    SchemaAnnouncementFactory(version="9.0.5", withdrawn=True)
    assert IN_FORCE in fault_free(client.get("/schema/", headers={"Accept-Language": language}))
    announced(officer, new_field, other_class)

    page = fault_free(client.get("/schema/", headers={"Accept-Language": language}))

    assert COMING in page and str(SOON) in page and "9.0.5" in page
    assert ("Nytt" if language == "sv" else "New") in page
    assert "sections/person/fields/nytt" in page
    assert "codes/A" not in page, "the field says it"


def test_every_change_that_there_can_be_has_words():
    kinds = {one.kind for one in flat(catalogue()).values()}

    assert schemawords.WHAT.keys() == {(kind, what) for kind in kinds for what in (ADDED, REMOVED, CHANGED)}


# Who can read it


@pytest.fixture
def system(db):
    return ApiClientFactory()


@pytest.fixture
def api(system):
    return partner(system)


def tell(api, version: str, ok: Any = True):
    return api.post(TELL, {"version": version, "ok": ok}, content_type="application/json")


def test_a_customer_can_tell_which_version_its_system_can_read_and_its_last_word_stands(api, system, officer):
    announced(officer)
    assert tell(api, COMING, ok=False).status_code == 200
    said = tell(api, COMING).json()
    tell(api, IN_FORCE)

    assert (said["version"], said["ok"]) == (COMING, True)
    rows = SchemaValidation.objects.order_by("pk").values_list("customer", "version", "ok", "client")
    client_id = system.application.client_id
    assert list(rows) == [
        (system.customer_id, COMING, True, client_id),
        (system.customer_id, IN_FORCE, True, client_id),
    ]


@pytest.mark.parametrize(
    ("version", "ok", "expected"),
    [
        (COMING, True, (409, "VERSION_UNKNOWN")),
        ("", True, (400, "INVALID")),
        (IN_FORCE, "perhaps", (400, "INVALID")),
    ],
)
def test_what_cannot_be_told(api, version, ok, expected):
    assert refusal_of(tell(api, version, ok)) == expected
    assert not SchemaValidation.objects.exists()


def test_it_is_told_with_the_scope_of_deliveries_alone(system):
    assert refusal_of(tell(partner(system, "orders"), IN_FORCE)) == (403, "SCOPE_MISSING")


# The admin


def added(client, text: bytes):
    form = {"in_force_from": str(SOON), "file": SimpleUploadedFile("catalogue.json", text)}
    return client.post(reverse("admin:deliveries_schemaannouncement_add"), form)


@pytest.fixture
def office(client, staff, settings):
    settings.SCHEMA_NOTICE_DAYS = -10_000
    client.force_login(staff)
    return client


def test_it_is_proposed_with_a_file_approved_by_another_and_withdrawn(office, staff):
    assert added(office, text_of(new_field).encode()).status_code == 302
    row = SchemaAnnouncement.objects.get()
    assert (row.version, row.prepared_by, row.in_effect) == (NEXT, staff, False)

    office.force_login(UserFactory(is_staff=True, is_superuser=True))
    approve = reverse("admin:deliveries_schemaannouncement_approve", args=[row.pk])
    assert "sections/person/fields/nytt" in office.get(approve).content.decode()
    office.post(approve, {"reason": "Beslutat av förvaltningen."})
    assert schemachange.coming() == row

    withdraw = reverse("admin:deliveries_schemaannouncement_withdraw", args=[row.pk])
    assert withdraw in office.get(reverse("admin:deliveries_schemaannouncement_change", args=[row.pk])).content.decode()
    office.post(withdraw, {"reason": "Källan hinner inte."})
    row.refresh_from_db()
    assert row.withdrawn and schemachange.coming() is None


@pytest.mark.parametrize("text", [b"{}", b"\xff\xfe", b"[1]", text_of(new_field, version="1.0").encode()])
def test_a_file_that_is_no_next_catalogue_is_refused_on_its_form(office, text):
    answer = added(office, text)

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert not SchemaAnnouncement.objects.exists()
