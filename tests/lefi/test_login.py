"""Logging in through a broker: a true round trip of OpenID Connect, and all the ways in which it is refused."""

import json
import logging
from datetime import UTC, datetime

import pytest
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.urls import reverse

from lefi.accounts import identities
from lefi.brokers import provider_apps
from tests.factories import PASSWORD, UserFactory, identity_number
from tests.oidc import LOA2, LOA3, Broker, new_key, sent_back_to, serving

KEY = "a key of its own for identities, and long"
NUMBER = identity_number(4711)
LOGIN = "/accounts/oidc/freja/login/"


@pytest.fixture
def broker(settings):
    claims = {"sub": "subject-1", "acr": LOA3, "personnummer": NUMBER, "given_name": "Karin", "family_name": "Ek"}
    settings.IDENTITY_KEY = KEY
    with serving(Broker(claims, info={"name": f"Karin {NUMBER}", "personnummer": NUMBER})) as one:
        use(settings, one)
        yield one


def use(settings, broker, **said) -> None:
    brokers = provider_apps([broker.configuration(**said)], key=KEY)
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": brokers}}


def bound(user, *, claim="sub", value="subject-1"):
    return SocialAccount.objects.create(
        user=user, provider="freja", uid=identities.index("freja", claim, value), extra_data={}
    )


def log_in(client, *, query: str = ""):
    """From the login page to the broker and back; the page that it ends on."""
    sent = client.get(LOGIN + query)
    assert sent.status_code == 302, sent.content
    return client.get(sent_back_to(sent["Location"]))


def logged_in(client) -> bool:
    return "_auth_user_id" in client.session


def refused_with(answer, code: str) -> bool:
    return answer.status_code == 403 and f"<code>{code}</code>" in answer.content.decode()


@pytest.fixture
def user(db):
    return UserFactory()


def test_who_is_bound_logs_in_by_the_standards_own_means(client, broker, user):
    bound(user)

    answer = log_in(client)

    assert answer.status_code == 302 and answer["Location"] == "/"
    assert client.session["_auth_user_id"] == str(user.pk)
    asked = broker.asked[0]
    assert len(asked["code_challenge"]) == 43 and len(asked["state"]) >= 16 and len(asked["nonce"]) >= 32


def test_the_login_page_has_the_brokers_first(client, broker, db):
    page = client.get("/accounts/login/").content.decode()

    assert page.index(LOGIN) < page.index('name="password"')


def test_staff_come_to_the_admin_the_same_way(client, broker, db):
    bound(UserFactory(is_staff=True, is_superuser=True))
    asked = client.get("/admin/")["Location"]
    page = client.get(client.get(asked)["Location"]).content.decode()
    assert f"{LOGIN}?process=login&amp;next=%2Fadmin%2F" in page

    assert log_in(client, query="?process=login&next=/admin/")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_person_who_was_not_let_in_gets_no_account(client, broker, db):
    answer = log_in(client)

    assert refused_with(answer, "IDENTITY_UNKNOWN")
    assert not logged_in(client)
    assert not get_user_model().objects.exists()
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize("acr", [LOA2, "", None, "loa2"])
def test_a_level_of_assurance_under_three_is_refused(client, broker, user, acr):
    bound(user)
    broker.claims["acr"] = acr

    assert refused_with(log_in(client), "LOA_TOO_LOW")
    assert not logged_in(client)


def test_the_claim_of_the_level_and_its_values_are_the_brokers(client, broker, user, settings):
    use(settings, broker, loa_claim="assurance", loa=["substantial"])
    bound(user)

    assert refused_with(log_in(client), "LOA_TOO_LOW")
    broker.claims["assurance"] = "substantial"
    assert log_in(client).status_code == 302


def test_the_level_that_is_signed_goes_before_what_is_not(client, broker, user):
    bound(user)
    broker.claims["acr"] = LOA2
    broker.info["acr"] = LOA3

    assert refused_with(log_in(client), "LOA_TOO_LOW")


def test_a_person_is_known_by_a_claim_however_the_number_is_written(client, broker, user, settings):
    use(settings, broker, identity_claim="personnummer")
    bound(user, claim="personnummer", value=f"{NUMBER[:8]}-{NUMBER[8:]}")

    assert log_in(client).status_code == 302
    assert logged_in(client)


def test_the_digest_is_made_with_a_key_of_its_own(settings):
    settings.IDENTITY_KEY = KEY
    one = identities.index("freja", "personnummer", NUMBER)
    settings.IDENTITY_KEY = KEY[::-1]

    assert one != identities.index("freja", "personnummer", NUMBER)
    assert len(one) == 64 and NUMBER not in one


def all_that_is_stored() -> str:
    """Every column of every row, and what sessions hold, as text."""
    rows = [str(list(model._default_manager.values_list())) for model in apps.get_models()]
    sessions = [json.dumps(one.get_decoded()) for one in Session.objects.all()]
    return "\n".join([*rows, *sessions])


@pytest.mark.parametrize("known", [True, False])
def test_neither_the_number_nor_the_id_token_is_kept_or_logged(client, broker, user, settings, caplog, known):
    use(settings, broker, identity_claim="personnummer")
    if known:
        bound(user, claim="personnummer", value=NUMBER)
    else:
        client.get("/accounts/login/")
        session = client.session
        identities.want(session, "/somewhere/")
        session.save()

    with caplog.at_level(logging.DEBUG):
        log_in(client)

    logged = "\n".join(f"{one.getMessage()} {vars(one)}" for one in caplog.records)
    for text in (all_that_is_stored(), logged):
        assert NUMBER not in text
        assert broker.tokens[0] not in text and "subject-1" not in text
    assert not known or SocialAccount.objects.get().extra_data == {}


def test_who_logs_in_by_broker_is_asked_for_no_second_factor(client, broker, user, settings):
    settings.SECOND_FACTOR_MEMBERS = True
    bound(user)

    assert log_in(client)["Location"] == "/"
    assert client.get("/").status_code == 200


def test_an_unknown_person_is_led_to_the_page_that_waits_for_an_identity(client, broker, db):
    client.get("/accounts/login/")
    session = client.session
    identities.want(session, "/somewhere/")
    session.save()

    answer = log_in(client)

    assert answer["Location"] == "/somewhere/"
    found = identities.found(client.session)
    assert found is not None
    assert (found.first_name, found.last_name) == ("Karin", "Ek")
    assert found.uid == identities.index("freja", "sub", "subject-1")
    assert not logged_in(client)


def test_an_identity_is_forgotten_after_ten_minutes(client, broker, db, monkeypatch):
    session = client.session
    identities.want(session, "/somewhere/")
    session.save()
    log_in(client)
    later = datetime.now(UTC).timestamp() + identities.LASTS + 1
    monkeypatch.setattr(identities.time, "time", lambda: later)

    assert identities.found(client.session) is None


def test_an_identity_is_bound_once(client, broker, user, db):
    account = bound(user)
    identity = identities.Identity("freja", account.uid, "", "", 0)

    with pytest.raises(identities.IdentityRefused) as refused:
        identities.bind(UserFactory(), identity)
    assert refused.value.code == "IDENTITY_TAKEN"


def test_who_is_logged_in_binds_an_identity_after_saying_the_password_again(client, broker, user):
    client.force_login(user)
    answer = log_in(client, query="?process=connect")
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not SocialAccount.objects.exists()

    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert SocialAccount.objects.get().user == user
    assert "Freja" in client.get("/accounts/identities/").content.decode()


def test_an_identity_that_is_anothers_cannot_be_bound(client, broker, user):
    other = bound(UserFactory())
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    log_in(client, query="?process=connect")

    assert SocialAccount.objects.get() == other


def test_a_bound_identity_is_removed_but_not_the_only_way_in(client, broker, user):
    account = bound(user)
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    user.set_unusable_password()
    user.save()
    client.force_login(user)

    client.post("/accounts/identities/", {"account": account.pk})
    assert SocialAccount.objects.exists()

    user.set_password(PASSWORD)
    user.save()
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/identities/", {"account": account.pk})
    assert not SocialAccount.objects.exists()


# What a broker, or somebody in its place, may get wrong


@pytest.mark.parametrize(
    "twist",
    [
        {"aud": "another"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"nonce": "another"},
        {"nonce": ""},
        {"sub": "subject-2"},
        {"sub": ""},
    ],
    ids=lambda twist: "-".join(map(str, twist.popitem())) if twist else "",
)
def test_an_id_token_that_is_not_for_us_now_is_refused(client, broker, user, twist):
    bound(user)
    broker.twist = twist or {"aud": "another"}

    assert refused_with(log_in(client), "BROKER_FAILED")
    assert not logged_in(client)


def test_an_id_token_of_another_key_is_refused(client, broker, user):
    bound(user)
    broker.signs_with = new_key()

    assert refused_with(log_in(client), "BROKER_FAILED")


def test_an_answer_without_the_claim_is_refused(client, broker, user, settings):
    use(settings, broker, identity_claim="personalNumber")
    bound(user)

    assert refused_with(log_in(client), "BROKER_FAILED")


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(client, broker, user):
    bound(user)
    back = sent_back_to(client.get(LOGIN)["Location"])
    stranger = client.__class__()

    assert refused_with(stranger.get(back), "BROKER_FAILED")
    assert client.get(back).status_code == 302
    assert refused_with(client.get(back), "BROKER_FAILED")  # once only


def test_a_login_that_is_cancelled_says_so(client, broker, user):
    broker.error = "access_denied"

    assert refused_with(log_in(client), "LOGIN_CANCELLED")


def test_a_broker_that_cannot_be_reached_is_no_fault_of_ours(client, broker, user, settings):
    use(settings, broker, server_url="http://127.0.0.1:9")

    assert refused_with(client.get(LOGIN), "BROKER_FAILED")


def test_the_address_cannot_ask_the_broker_for_less(client, broker, user, settings):
    use(settings, broker, auth_params={"acr_values": LOA3})

    client.get(f"{LOGIN}?auth_params=acr_values%3Dloa1&scope=everything")
    sent = client.get(f"{LOGIN}?auth_params=acr_values%3Dloa1&scope=everything")["Location"]

    assert "loa3" in sent and "loa1" not in sent and "everything" not in sent


def test_a_login_leads_on_to_no_other_site(client, broker, user):
    bound(user)

    assert log_in(client, query="?next=https://evil.example/")["Location"] == "/"


def test_tries_are_counted_by_address(client, broker, db, monkeypatch):
    monkeypatch.setattr("lefi.accounts.views.TRIES", 1)
    client.get(LOGIN)

    assert client.get(LOGIN).status_code == 429


def test_an_unknown_broker_is_not_found(client, broker, db):
    assert client.get("/accounts/oidc/other/login/").status_code == 404


# What cannot be reached


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "email/",
        "confirm-email/",
        "login/code/",
        "login/code/confirm/",
        "password/set/",
        "3rdparty/",
        "3rdparty/signup/",
        "social/signup/",
        "2fa/trust/",
        "2fa/webauthn/signup/",
    ],
)
def test_pages_of_allauth_that_are_not_used_are_not_there(client, user, path):
    assert client.get(f"/accounts/{path}").status_code == 404
    client.force_login(user)
    assert client.get(f"/accounts/{path}").status_code == 404


def test_a_new_password_is_mailed_only_to_who_logs_in_by_password(client, db, mailoutbox):
    UserFactory(email="karin@example.org")
    UserFactory(email="eva@example.org", password=None)

    answers = [
        client.post(reverse("account_reset_password"), {"email": f"{name}@example.org"})
        for name in ("karin", "eva", "nobody")
    ]

    assert {(one.status_code, one["Location"]) for one in answers} == {(302, "/accounts/password/reset/done/")}
    assert [mail.to for mail in mailoutbox] == [["karin@example.org"]]
    assert "karin" not in mailoutbox[0].body.lower() and mailoutbox[0].subject == "Nytt lösenord i LEFI Prenumeration"
