"""A stream, a partner's system that may use it, and another customer's stream."""

import pytest

from tests.factories import ApiClientFactory, StreamFactory
from tests.partners import partner


@pytest.fixture
def stream(db):
    return StreamFactory(served=True)


@pytest.fixture
def api_client(stream):
    return ApiClientFactory(customer=stream.agreement.customer)


@pytest.fixture
def api(api_client):
    return partner(api_client)


@pytest.fixture
def other_stream(db):
    """Another customer's."""
    return StreamFactory(served=True)
