"""Imports in the background: a task may be lost or run twice."""

import pytest

from benefits.models import Import
from benefits.tasks import import_benefits
from tests.factories import identity_number
from tests.imports import line, write

pytestmark = pytest.mark.django_db


def test_a_task_publishes_the_import_at_a_path(tmp_path):
    import_benefits.delay(str(write(tmp_path, [line(identity_number(1))])))

    assert Import.objects.last_number() == 1


def test_a_task_that_runs_twice_publishes_once_and_keeps_the_refusal(tmp_path):
    path = str(write(tmp_path, [line(identity_number(1))]))
    for _ in range(2):
        import_benefits.delay(path)

    assert Import.objects.published().count() == 1
    assert list(Import.objects.values_list("refusal", flat=True)) == ["DUPLICATE", ""]


def test_a_task_whose_file_is_gone_fails_nothing(tmp_path):
    import_benefits.delay(str(tmp_path / "borta.json"))

    assert not Import.objects.exists()
