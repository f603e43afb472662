"""The commands that make files and take them in."""

import pytest
from django.core.management import CommandError, call_command

from benefits.models import Import, Person
from tests.factories import identity_number
from tests.imports import line, write

pytestmark = pytest.mark.django_db


def run(capsys, *arguments):
    call_command(*arguments)
    return capsys.readouterr().out


def test_imports_are_taken_in_one_after_another(tmp_path, capsys):
    number = identity_number(1)
    paths = [str(write(tmp_path, [line(number)], lopnummer=n)) for n in (1, 2)]

    out = run(capsys, "import_benefits", *paths)

    assert [text.split(".json: ")[1].split(".")[0] for text in out.splitlines()] == [
        "published as import 1",
        "published as import 2",
    ]
    assert number not in out


def test_a_refused_import_says_why_and_stops_there(tmp_path, capsys):
    paths = [str(write(tmp_path, [line(identity_number(n))], lopnummer=n)) for n in (2, 1)]

    with pytest.raises(CommandError, match=r"FK-2\.json is refused\. ORDER"):
        call_command("import_benefits", *paths)
    assert not Import.objects.published().exists()


def test_a_made_up_population_and_its_nights_can_be_taken_in(tmp_path, capsys):
    """What the product writes it can also read, merges and number changes too."""
    out = ["--persons", "60", "--out", str(tmp_path)]
    run(capsys, "make_population", *out)
    taken = set()
    for night in (1, 2):
        taken |= take_in(tmp_path, capsys, taken)
        run(capsys, "make_night", *out, "--night", str(night))
    take_in(tmp_path, capsys, taken)

    assert Import.objects.published().count() == 6
    assert not Import.objects.exclude(status=Import.Status.PUBLISHED).exists()
    assert Person.objects.count() >= 60


def take_in(folder, capsys, taken):
    paths = {path for path in folder.glob("*.json") if path not in taken}
    run(capsys, "import_benefits", *map(str, sorted(paths)))
    return paths


@pytest.mark.parametrize("command", [["make_population"], ["make_night", "--night", "0"]])
def test_a_register_that_cannot_be_made_is_refused(tmp_path, command):
    persons = "0" if command == ["make_population"] else "60"

    with pytest.raises(CommandError):
        call_command(*command, "--persons", persons, "--out", str(tmp_path))
