"""The pages of an organisation's systems: the secret once, what was called, and for whom the pages are."""

import re
from uuid import uuid4

import pytest

from subscriptions.models import ApiCall, ApiClient, Member
from tests.factories import AT, AgentFactory, ApiClientFactory, MemberFactory, StreamFactory

Role = Member.Role


@pytest.fixture
def handler(client, db):
    member = MemberFactory(role=Role.INTEGRATION)
    client.force_login(member.user)
    return member


@pytest.fixture
def system(handler):
    return ApiClientFactory(customer=handler.customer)


def at(member, path: str = "") -> str:
    return f"/organisation/{member.customer_id}/systems/{path}"


def form(**said):
    return {"key": str(uuid4()), "name": "Treserva", "scopes": ["deliveries"], "all_streams": "on", **said}


def call(system, **said):
    return ApiCall.objects.create(
        **{"client": system, "at": AT, "method": "GET", "route": "document", "status": 200, "milliseconds": 12} | said
    )


def secret_in(answer) -> str:
    return re.search(r'id="secret">\s*(\S+)\s*<', answer.content.decode())[1]


def test_the_secret_is_on_the_page_that_answers_and_nowhere_else(client, handler):
    answer = client.post(at(handler, "new/"), form())

    made = ApiClient.objects.get()
    secret = secret_in(answer)
    assert answer["Cache-Control"] == "no-store"
    assert made.scopes == ["deliveries"] and made.all_streams
    assert secret not in client.get(at(handler, f"{made.pk}/")).content.decode()
    assert secret not in str(dict(client.session))


def test_a_page_that_is_loaded_anew_lets_in_no_second_system(client, handler):
    said = form()
    client.post(at(handler, "new/"), said)

    answer = client.post(at(handler, "new/"), said)

    assert answer["Location"] == at(handler)
    assert ApiClient.objects.count() == 1


def test_a_system_is_let_to_the_streams_that_are_ticked(client, handler):
    stream, _ = StreamFactory(agreement__customer=handler.customer), StreamFactory()

    client.post(at(handler, "new/"), form(all_streams="", streams=[stream.pk]))

    assert list(ApiClient.objects.get().streams.all()) == [stream]


@pytest.mark.parametrize("fault", [{"all_streams": ""}, {"scopes": []}, {"name": "19121212-1212"}, {"streams": [999]}])
def test_a_form_that_is_not_good_lets_nothing_in(client, handler, fault):
    answer = client.post(at(handler, "new/"), form(**fault))

    assert answer.context["form"].errors
    assert not ApiClient.objects.exists()


def test_a_new_secret_is_shown_once_and_says_how_long_the_old_one_holds(client, handler, system):
    url = at(handler, f"{system.pk}/secret/")
    said = {"key": str(uuid4()), "overlap": "7"}

    answer = client.post(url, said)
    assert secret_in(answer) and "gäller till" in answer.content.decode()
    assert client.post(url, said)["Location"] == at(handler, f"{system.pk}/")
    assert "gäller" in client.get(at(handler, f"{system.pk}/")).content.decode()

    answer = client.post(url, {"key": str(uuid4()), "overlap": "0"})
    assert "gäller inte längre" in answer.content.decode()


def test_a_system_is_stopped_after_a_look_at_what_that_means(client, handler, system):
    url = at(handler, f"{system.pk}/stop/")
    assert "kan inte startas igen" in client.get(url).content.decode()
    assert ApiClient.objects.get().stopped_at is None

    page = client.post(url, follow=True).content.decode()

    assert "är stoppat" in page
    assert f'{system.pk}/secret/"' not in page


def test_an_agents_system_has_no_way_to_a_secret(client, handler):
    system = ApiClientFactory(customer=handler.customer, agent=AgentFactory(customer=handler.customer, name="Ombudet"))

    page = client.get(at(handler, f"{system.pk}/")).content.decode()
    assert "Ombudet" in page and f"{system.pk}/secret/" not in page
    answer = client.post(at(handler, f"{system.pk}/secret/"), {"key": str(uuid4()), "overlap": "7"}, follow=True)
    assert "ombudets" in answer.content.decode()


def test_calls_are_shown_with_a_way_to_what_their_codes_mean(client, handler, system):
    call(system, status=404, code="NOT_FOUND")
    call(system, status=401, code="invalid_client", route="token", method="POST")
    call(system)

    page = client.get(at(handler, f"{system.pk}/")).content.decode()
    assert 'href="/docs/errors#NOT_FOUND"' in page
    assert "Hemligheten är fel" in page

    failed = client.get(at(handler, f"{system.pk}/?failed=on"))
    assert [one.status for one, _meaning, _url in failed.context["calls"]] == [401, 404]


def test_calls_are_paged_by_their_ids(client, handler, system, monkeypatch):
    monkeypatch.setattr("subscriptions.views.clients.PER_PAGE", 2)
    made = [call(system).pk for _ in range(5)]

    seen, address = [], at(handler, f"{system.pk}/")
    while address:
        page = client.get(address)
        seen += [one.pk for one, *_ in page.context["calls"]]
        following = page.context["following"]
        address = at(handler, f"{system.pk}/?before={following}") if following else ""

    assert seen == made[::-1]


def test_a_list_of_systems_costs_the_same_however_many_they_are(client, handler, django_assert_max_num_queries):
    for system in ApiClientFactory.create_batch(8, customer=handler.customer):
        call(system, status=500)

    with django_assert_max_num_queries(6):
        page = client.get(at(handler)).content.decode()
    assert page.count("Senaste anropet misslyckades") == 8


@pytest.mark.parametrize(("role", "opens"), [(Role.CASE_WORKER, 404), (Role.AUDITOR, 404), (Role.ADMINISTRATOR, 200)])
def test_the_pages_are_for_who_handles_files(client, handler, system, role, opens):
    client.force_login(MemberFactory(customer=handler.customer, role=role).user)

    for path in ("", "new/", f"{system.pk}/", f"{system.pk}/secret/", f"{system.pk}/stop/"):
        assert client.get(at(handler, path)).status_code == opens, path


def test_an_administrator_is_offered_no_secret_that_opens_files(client, handler, system):
    administrator = MemberFactory(customer=handler.customer, role=Role.ADMINISTRATOR)
    ordering = ApiClientFactory(customer=handler.customer, scopes=["orders"])
    client.force_login(administrator.user)

    offered = client.get(at(handler, "new/"))
    assert [code for code, _label in offered.context["form"].fields["scopes"].choices] == ["orders", "consents"]
    assert "rollen integration" in offered.content.decode()
    assert client.post(at(handler, "new/"), form()).context["form"].errors
    assert f"{system.pk}/secret/" not in client.get(at(handler, f"{system.pk}/")).content.decode()
    assert f"{ordering.pk}/secret/" in client.get(at(handler, f"{ordering.pk}/")).content.decode()
    said = {"key": str(uuid4()), "overlap": "7"}
    answer = client.post(at(handler, f"{system.pk}/secret/"), said, follow=True)
    assert "rollen integration" in answer.content.decode()


def test_another_organisations_system_is_not_found(client, handler, system):
    other = MemberFactory(role=Role.ADMINISTRATOR)
    client.force_login(other.user)

    for path in (f"{system.pk}/", f"{system.pk}/secret/", f"{system.pk}/stop/"):
        assert client.post(at(other, path), {"overlap": "0"}).status_code in (404, 405)
        assert client.get(at(other, path)).status_code == 404
        assert client.get(at(handler, path)).status_code == 404
    assert ApiClient.objects.get().stopped_at is None
