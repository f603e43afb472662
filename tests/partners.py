"""A partner's system, for tests of the API: a token by name, and the headers that carry it."""

import json
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from subscriptions.models import ApiClient, Stream

PROBLEM = "application/problem+json"


def token_of(client: ApiClient, scope: str = "orders deliveries") -> str:
    token = f"token-{client.pk}-{scope.replace(' ', '-')}"
    expires = timezone.now() + timedelta(minutes=5)
    AccessToken.objects.create(application=client.application, token=token, scope=scope, expires=expires)
    return token


def partner(client: ApiClient, scope: str = "orders deliveries", **defaults: Any) -> Client:
    """A test client that speaks for the API client; faults come as answers, as they do to a true partner."""
    headers = {"Authorization": f"Bearer {token_of(client, scope)}", "Accept-Language": "en"}
    return Client(headers=headers, raise_request_exception=False, **defaults)


def url_of(stream: Stream, *rest: Any) -> str:
    return "/".join(["/api/v1/streams", str(stream.pk), *map(str, rest), ""])


def problem_of(answer: Any) -> dict[str, Any]:
    """The problem in an answer, having seen that it is one."""
    assert answer["Content-Type"] == PROBLEM, answer.content
    said: dict[str, Any] = json.loads(answer.content)
    assert said["status"] == answer.status_code
    assert said["type"] == f"/docs/errors#{said['code']}"
    assert said["title"]
    assert said["instance"].startswith("urn:uuid:")
    return said


def refusal_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, problem_of(answer)["code"]
