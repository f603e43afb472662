"""The roles of the staff: what the table gives, that the groups hold just that, and how it is shown."""

from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection

from lefi.accounts import roles
from lefi.accounts.granting import give_rights
from lefi.accounts.roles import APPROVER, AUDITOR, BY_CODE, DATA_PROTECTION, LAWYER, ROLES, SUPPORT
from tests.factories import UserFactory

DOCS = Path(__file__).resolve().parents[2] / "docs" / "roles.md"
LETTERS = {"view": "s", "add": "a", "change": "c", "delete": "r", "approve": "**ok**"}
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.code)


def held(code: str) -> set[str]:
    rights = Permission.objects.filter(group__name=code).select_related("content_type")
    return {f"{one.content_type.app_label}.{one.codename}" for one in rights}


@pytest.mark.django_db
@each_role
def test_each_role_is_a_group_that_holds_just_the_rights_of_the_table(role):
    assert held(role.code) == role.rights


@pytest.mark.django_db
def test_what_a_group_has_gained_or_lost_since_is_taken_and_given_when_rights_are_given_anew():
    group = Group.objects.get(name=SUPPORT.code)
    group.permissions.set(Permission.objects.filter(codename="view_person"))
    Group.objects.get(name=AUDITOR.code).delete()

    give_rights("default")
    give_rights("default")

    assert held(SUPPORT.code) == SUPPORT.rights
    assert held(AUDITOR.code) == AUDITOR.rights
    assert Group.objects.filter(name__in=BY_CODE).count() == len(ROLES)


@pytest.mark.django_db
def test_the_migration_makes_the_groups_and_may_be_run_again():
    migration = import_module("lefi.accounts.migrations.0002_roles")
    Group.objects.all().delete()

    editor = connection.schema_editor()
    migration.make(apps, editor)
    migration.make(apps, editor)

    assert set(Group.objects.values_list("name", flat=True)) == BY_CODE.keys()


@each_role
def test_nobody_approves_what_the_same_role_proposes(role):
    assert not set(role.add) & set(role.approve)


def test_only_the_approver_approves_and_an_approver_proposes_nothing():
    assert [role for role in ROLES if role.approve] == [APPROVER]
    assert APPROVER.add == ()


def test_whatever_is_proposed_by_one_somebody_may_approve():
    proposed = {one for role in ROLES for one in role.add if "approve" in apps.get_model(one)._meta.default_permissions}

    assert proposed and proposed <= set(APPROVER.approve)


def test_the_auditor_changes_nothing():
    assert all(".view_" in right for right in AUDITOR.rights)


def test_support_sees_nothing_about_people():
    about_people = {*roles.PERSONS, *roles.PEOPLE_OF_CUSTOMERS, *roles.ACCOUNTS, "audit.auditevent", "deliveries.fetch"}

    assert not set(SUPPORT.view) & about_people
    assert SUPPORT.rights == {f"{app}.view_{name}" for app, _, name in (one.partition(".") for one in SUPPORT.view)}


def test_persons_are_opened_by_those_alone_who_need_to():
    assert {role for role in ROLES if "benefits.view_person" in role.rights} == {APPROVER, LAWYER, DATA_PROTECTION}
    assert {role for role in ROLES if "benefits.view_protected" in role.rights} == {APPROVER, LAWYER, DATA_PROTECTION}


def test_no_role_hands_out_rights():
    powers = {"accounts.add_user", "accounts.change_user", "auth.add_group", "auth.change_group"}

    assert not [role for role in ROLES if role.rights & powers]


def test_the_table_of_the_docs_is_that_of_the_roles():
    text = DOCS.read_text(encoding="utf-8")
    wanted = "\n".join(as_markdown())

    assert wanted in text, f"docs/roles.md should hold:\n{wanted}"
    for role in ROLES:
        assert f"| `{role.code}` | {role.sv} | {role.en} | {role.for_en} |" in text


def as_markdown():
    """The table as the docs hold it: a row for each model, a column for each role, and what no verb says below."""
    yield "| | " + " | ".join(role.en for role in ROLES) + " |"
    yield "|---|" + "---|" * len(ROLES)
    models = sorted({model for role in ROLES for models in role.by_verb.values() for model in models})
    for model in models:
        yield f"| `{model}` | " + " | ".join(_cell(role, model) for role in ROLES) + " |"
    for right in sorted({right for role in ROLES for right in role.also}):
        yield f"| *`{right}`* | " + " | ".join("yes" if right in role.also else "" for role in ROLES) + " |"


def _cell(role, model):
    return " ".join(LETTERS[verb] for verb, models in role.by_verb.items() if model in models)


@pytest.mark.parametrize(("language", "name"), [("sv", "dataskyddsombud"), ("en", "data protection officer")])
def test_roles_are_called_by_their_names_in_the_readers_language(client, staff, language, name):
    client.force_login(staff)
    user = UserFactory(is_staff=True)

    for address in (f"/admin/accounts/user/{user.pk}/change/", "/admin/accounts/user/", "/admin/auth/group/"):
        page = client.get(address, HTTP_ACCEPT_LANGUAGE=language).content.decode()
        assert name in page.lower()
        assert "data_protection_officer" not in page


@pytest.mark.django_db
def test_a_user_can_be_listed_by_role(client, staff):
    client.force_login(staff)
    group = Group.objects.get(name=LAWYER.code)
    UserFactory(username="olle.jurist", is_staff=True).groups.add(group)
    UserFactory(username="sven.annan", is_staff=True)

    page = client.get("/admin/accounts/user/", {"groups": group.pk}).content.decode()

    assert "olle.jurist" in page
    assert "sven.annan" not in page


@pytest.mark.django_db
def test_what_a_role_may_is_not_changed_by_hand_not_even_by_a_superuser(client, staff):
    client.force_login(staff)
    group = Group.objects.get(name=SUPPORT.code)
    address = f"/admin/auth/group/{group.pk}"

    assert client.get(f"{address}/change/").status_code == 200
    assert client.post(f"{address}/change/", {"name": "x"}).status_code == 403
    assert client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    client.post(
        "/admin/auth/group/", {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes", "index": 0}
    )
    assert Group.objects.filter(pk=group.pk).exists()


@pytest.mark.django_db
def test_the_page_of_a_role_says_what_it_may_in_words(client, staff):
    client.force_login(staff)
    group = Group.objects.get(name=APPROVER.code)

    page = client.get(f"/admin/auth/group/{group.pk}/change/", HTTP_ACCEPT_LANGUAGE="sv").content.decode()

    assert APPROVER.for_sv in page
    assert "Can add" not in page
    assert ">approver<" not in page.replace(" ", "")
    assert "godkänna" in page
    assert "avtal" in page


@pytest.mark.django_db
def test_staff_without_a_role_are_told_so_and_see_nothing_else(client):
    client.force_login(UserFactory(is_staff=True))

    response = client.get("/admin/", HTTP_ACCEPT_LANGUAGE="sv")

    page = response.content.decode()
    assert "Du har ingen roll ännu" in page
    assert page.partition('id="content"')[2].count("href=") == 0
    assert client.get("/admin/accounts/user/").status_code == 403
