"""What every test stands on: fast settings, folders of their own, and people to log in as."""

from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import transaction
from django.db.backends.base.operations import BaseDatabaseOperations
from django.test import override_settings
from django.utils import translation
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from lefi.bulk import on_postgresql
from lefi.celery import app as celery
from tests.examples import examples
from tests.factories import MemberFactory, UserFactory

legal_bases = import_module("subscriptions.migrations.0003_legal_bases")

# How fast a machine is says nothing of a rule: the first text drawn on a new one takes seconds.
hypothesis_settings.register_profile(
    "patient", deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "mutants",  # the same examples each time, and none made smaller: `make mutants`
    hypothesis_settings.get_profile("patient"),
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
hypothesis_settings.load_profile("patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What asks no database is tried once: on SQLite."""
    if not on_postgresql():
        return
    asked = [one for one in items if asks_a_database(one)]
    config.hook.pytest_deselected(items=list(set(items) - set(asked)))
    items[:] = asked


def asks_a_database(item: pytest.Item) -> bool:
    """True of a test with the database's mark or fixtures, its own or those of a fixture that it takes."""
    fixtures = getattr(item, "fixturenames", ())
    marked = any(item.get_closest_marker(name) for name in ("django_db", "services"))
    return marked or not {"db", "transactional_db"}.isdisjoint(fixtures)


@pytest.fixture(scope="session", autouse=True)
def fast_settings() -> Iterator[None]:
    """A cheap password hash, no files for cache and static names, and tasks that run where called."""
    celery.conf.task_always_eager = True
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        STORAGES={
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def a_flush_leaves_what_migrations_made() -> Iterator[None]:
    """Transactional tests end in a flush: let it past SQLite's triggers; keep them and the legal bases."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_and_restore(operations: BaseDatabaseOperations, statements: list[str]) -> None:
        connection = operations.connection
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            triggers = []
            if connection.vendor == "sqlite":
                cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
                triggers = cursor.fetchall()
            for name, _ in triggers:
                cursor.execute(f"DROP TRIGGER {name}")
            flush(operations, statements)
            for _, statement in triggers:
                cursor.execute(statement)
            legal_bases.load(apps, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_and_restore)
        yield


@pytest.fixture(autouse=True)
def own_documents_cache_and_language(settings, tmp_path):
    """No test sees the documents of another, is slowed down by the limits it used up, or speaks its language."""
    translation.activate(settings.LANGUAGE_CODE)
    settings.DOCUMENTS_DIR = tmp_path / "documents"
    settings.ORDERS_DIR = tmp_path / "orders"
    settings.SIGNING_KEYS_DIR = tmp_path / "signing-keys"
    cache.clear()


@pytest.fixture
def staff(db):
    """An employee of Försäkringskassan with every permission there is."""
    return UserFactory(username="stina.berg", is_staff=True, is_superuser=True)


@pytest.fixture
def member(db):
    """A customer's portal user: `member.user` at `member.customer`."""
    return MemberFactory()


@pytest.fixture
def stranger(db):
    """A portal user of another customer than `member`'s."""
    return MemberFactory(user__username="sven.ek", customer__name="Norra Liv AB")
