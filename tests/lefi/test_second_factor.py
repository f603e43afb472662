"""Where a second factor is asked for, nothing opens without one but the page where it is set up."""

import pytest
from allauth.mfa.models import Authenticator
from django.core.exceptions import ImproperlyConfigured

from lefi.brokers import DEFAULTS, provider_apps
from tests.factories import PASSWORD, MemberFactory, UserFactory

PAGE = "/accounts/second-factor/"
WHOLE = {"id": "a", "name": "A", "server_url": "https://a.example", "client_id": "lefi", "secret": "s"}
KEY = "k" * 32


def factor(user, kind=Authenticator.Type.TOTP):
    return Authenticator.objects.create(user=user, type=kind, data={})


@pytest.mark.parametrize("url", ["/", "/watches/", "/admin/", "/connect/"])
def test_staff_without_a_second_factor_are_led_to_where_it_is_set_up(client, staff, settings, url):
    settings.SECOND_FACTOR_STAFF = True
    client.force_login(staff)

    assert client.get(url)["Location"] == PAGE


@pytest.mark.parametrize("url", [PAGE, "/accounts/2fa/", "/accounts/logout/", "/accounts/sessions/"])
def test_the_own_account_stays_within_reach(client, staff, settings, url):
    settings.SECOND_FACTOR_STAFF = True
    client.force_login(staff)

    assert client.get(url).status_code == 200


@pytest.mark.parametrize("kind", [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN])
def test_an_app_or_a_passkey_is_enough(client, staff, settings, kind):
    settings.SECOND_FACTOR_STAFF = True
    factor(staff, kind)
    client.force_login(staff)

    assert client.get("/").status_code == 200
    assert "Du har det som behövs" in client.get(PAGE, headers={"Accept-Language": "sv"}).content.decode()


def test_recovery_codes_alone_are_no_second_factor(client, staff, settings):
    settings.SECOND_FACTOR_STAFF = True
    factor(staff, Authenticator.Type.RECOVERY_CODES)
    client.force_login(staff)

    assert client.get("/")["Location"] == PAGE


def test_staff_and_members_are_asked_apart(client, staff, settings, db):
    member = MemberFactory().user
    settings.SECOND_FACTOR_MEMBERS = True

    client.force_login(staff)
    assert client.get("/").status_code == 200
    client.force_login(member)
    assert client.get("/")["Location"] == PAGE


def test_who_has_a_second_factor_is_asked_for_it_at_each_login(client, db):
    user = UserFactory()
    factor(user)

    answer = client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})

    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session


def test_who_is_not_logged_in_is_asked_for_nothing(client, settings, db):
    settings.SECOND_FACTOR_STAFF = settings.SECOND_FACTOR_MEMBERS = True

    assert client.get("/connect/").status_code == 200


def test_it_costs_one_query_where_it_is_asked_for(client, staff, settings, django_assert_max_num_queries):
    client.force_login(staff)
    settings.SECOND_FACTOR_STAFF = True

    with django_assert_max_num_queries(3):  # the session, the user, the factor
        client.get("/watches/")


@pytest.mark.parametrize(
    ("brokers", "key", "said"),
    [
        ([WHOLE], "short", "IDENTITY_KEY"),
        ([WHOLE | {"secret": ""}], KEY, "secret"),
        ([{"id": "a"}], KEY, "name, server_url, client_id, secret"),
        ([WHOLE | {"colour": "blue"}], KEY, "colour"),
        ([WHOLE | {"loa": []}], KEY, "level of assurance"),
        ([WHOLE, WHOLE], KEY, "same id"),
    ],
)
def test_a_broker_that_is_not_whole_is_refused_when_the_system_starts(brokers, key, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        provider_apps(brokers, key=key)


def test_several_brokers_are_configured_by_one_variable():
    apps = provider_apps([WHOLE, WHOLE | {"id": "b", "loa": ["high"]}], key=KEY)

    assert [one["provider_id"] for one in apps] == ["a", "b"]
    assert apps[0]["settings"]["loa"] == DEFAULTS["loa"] and apps[1]["settings"]["loa"] == ["high"]
    assert all("loa2" not in value and "loa1" not in value for value in DEFAULTS["loa"])


def test_without_brokers_no_key_is_needed():
    assert provider_apps([], key="") == []
