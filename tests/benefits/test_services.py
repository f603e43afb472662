"""Publishing imports: in order, one at a time, and only what changed (C1, C9)."""

import json
import threading
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction

from benefits.importfile import ImportRefused
from benefits.models import BenefitPeriod, Import, Person, PersonFacts, PersonNumber, Quarantined, Touched
from benefits.services import ensure_persons, import_file, person_of
from lefi.locks import Lock, hold
from tests.factories import identity_number
from tests.imports import AT, case, facts, line, pm_line, publish, write

pytestmark = pytest.mark.django_db

KARIN, OLLE, EVA = identity_number(1), identity_number(2), identity_number(3)
FIRST, SECOND = case("2026-01-01"), case("2026-02-01")
CLAIM = {
    "ansprakid": "a1",
    "ankomstdatum": "2026-01-01",
    "formansgrupp": {"kod": "PM:AP", "beskrivning": "Ålderspension"},
}


def known(number, section="sjukpenningarende", as_of=None):
    """The section's contents by the first day that they name, as of an import or now."""
    rows = BenefitPeriod.objects.filter(person=person_of(number), section=section)
    rows = rows.live() if as_of is None else rows.as_of(as_of)
    return sorted(json.loads(row.content).get("startades", "") for row in rows)


def touched(number):
    return {(row.section, row.person_id) for row in Touched.objects.filter(number=number)}


def test_a_first_import_makes_persons_facts_and_content_and_says_what_it_touched(tmp_path):
    imported = publish(tmp_path, line(KARIN, person=facts(), sjukpenningarende=[FIRST, SECOND]))

    person = person_of(KARIN)
    assert (imported.number, imported.status) == (1, Import.Status.PUBLISHED)
    assert known(KARIN) == ["2026-01-01", "2026-02-01"]
    assert person.facts.get().name == "Karin Testsson"
    assert touched(1) == {("sjukpenningarende", person.pk), ("person", person.pk)}
    assert imported.counts["recorded"] == 2 and imported.counts["persons_changed"] == 1


def test_unchanged_content_writes_nothing(tmp_path):
    said = line(KARIN, person=facts(), sjukpenningarende=[FIRST, FIRST, SECOND])
    publish(tmp_path, said)
    before = list(BenefitPeriod.objects.values()), list(PersonFacts.objects.values())

    imported = publish(tmp_path, said)

    assert (list(BenefitPeriod.objects.values()), list(PersonFacts.objects.values())) == before
    assert imported.number == 2 and touched(2) == set()


def test_equal_payments_are_counted_so_that_one_can_go_and_one_stay(tmp_path):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST, FIRST, FIRST]))
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]))

    assert [len(known(KARIN, as_of=number)) for number in (1, 2)] == [3, 1]

    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST, FIRST]))
    assert len(known(KARIN)) == 2


def test_what_was_known_at_any_import_can_be_asked(tmp_path):
    for items in ([FIRST], [FIRST, SECOND], [SECOND], [], [FIRST]):
        publish(tmp_path, line(KARIN, sjukpenningarende=items))

    one, other = "2026-01-01", "2026-02-01"
    assert [known(KARIN, as_of=number) for number in range(6)] == [[], [one], [one, other], [other], [], [one]]


def test_facts_are_versions_too(tmp_path):
    for name in ("Karin Ek", "Karin Berg"):
        publish(tmp_path, line(KARIN, person=facts(namn=name)))

    rows = person_of(KARIN).facts
    assert [rows.as_of(number).get().name for number in (1, 2)] == ["Karin Ek", "Karin Berg"]


def test_a_line_without_facts_says_nothing_of_them(tmp_path):
    publish(tmp_path, line(KARIN, person=facts(skydd="SEKRETESSMARKERING")))
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]))

    assert person_of(KARIN).facts.live().get().protection == "SEKRETESSMARKERING"


def test_only_a_section_that_the_source_spoke_for_can_change(tmp_path):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]), line(OLLE, sjukpenningarende=[FIRST]))
    publish(tmp_path, line(KARIN, skatteuppgift=[]))

    assert known(KARIN) == known(OLLE) == ["2026-01-01"]


def test_a_quarantined_section_stays_as_it_was_and_is_listed(tmp_path):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]))
    imported = publish(tmp_path, line(KARIN, sjukpenningarende=[SECOND, {"aktivt": 5}], skatteuppgift=[]))

    assert known(KARIN) == ["2026-01-01"]
    row = Quarantined.objects.get(imported=imported)
    assert (row.line, row.section, row.code) == (1, "sjukpenningarende", "WRONG_TYPE")
    assert imported.counts["quarantined"] == 1


def test_a_file_with_more_in_quarantine_than_the_cap_is_refused_whole(tmp_path, settings):
    settings.IMPORT_QUARANTINE_MOST, settings.IMPORT_QUARANTINE_SHARE = 1, 0.5
    faulty = {"sjukpenningarende": [{"aktivt": 5}]}

    publish(tmp_path, line(KARIN, **faulty), line(OLLE, sjukpenningarende=[FIRST]))
    with pytest.raises(ImportRefused, match="QUARANTINE"):
        publish(tmp_path, line(KARIN, **faulty), line(OLLE, **faulty), line(EVA, sjukpenningarende=[FIRST]))

    assert person_of(EVA) is None


def test_an_unknown_field_is_counted_and_its_change_is_no_change(tmp_path):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST | {"nytt": 1}]))
    imported = publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST | {"nytt": 2}]))

    assert imported.counts["unknown_fields"] == 1
    assert touched(2) == set()
    assert json.loads(BenefitPeriod.objects.get().content)["nytt"] == 1


REFUSED = {
    "a number that is published already": ({"lopnummer": 1}, "DUPLICATE"),
    "a number after a gap": ({"lopnummer": 3}, "ORDER"),
    "the number nought": ({"lopnummer": 0}, "DUPLICATE"),
    "a strange source": ({"kalla": "SKV", "tillstand": {}}, "SOURCE"),
    "fewer lines than said": ({"antal": 5}, "COUNT"),
    "another data file": ({"sha256": "0" * 64}, "SHA256"),
}


@pytest.mark.parametrize(("said", "code"), REFUSED.values(), ids=REFUSED)
def test_a_refused_file_leaves_the_register_as_it_was(tmp_path, said, code):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]))
    with pytest.raises(ImportRefused) as refusal:
        publish(tmp_path, line(KARIN, sjukpenningarende=[]), line(OLLE), **{"lopnummer": 2} | said)

    assert refusal.value.code == code
    assert known(KARIN) == ["2026-01-01"] and person_of(OLLE) is None
    assert Import.objects.last_number() == 1


def test_a_refusal_is_kept_with_its_reason_and_takes_no_number(tmp_path):
    with pytest.raises(ImportRefused):
        publish(tmp_path, line(KARIN), lopnummer=2)

    row = Import.objects.get()
    assert (row.status, row.refusal, row.number) == (Import.Status.REFUSED, "ORDER", None)
    assert publish(tmp_path, line(KARIN)).number == 1


def test_a_refused_number_can_be_handed_over_again_mended(tmp_path):
    with pytest.raises(ImportRefused):
        publish(tmp_path, line(KARIN), antal=2)

    assert publish(tmp_path, line(KARIN)).sequence == 1


def test_order_is_kept_for_each_source_by_itself(tmp_path):
    for source, sequence, number in (("FK", 1, 1), ("PM", 1, 2), ("PM", 2, 3), ("FK", 2, 4)):
        said = pm_line(KARIN, ansprak=[CLAIM]) if source == "PM" else line(KARIN, sjukpenningarende=[FIRST])
        assert publish(tmp_path, said, kalla=source, lopnummer=sequence).number == number

    assert known(KARIN) == ["2026-01-01"]
    assert known(KARIN, "ansprak") == [""]


def test_one_source_never_ends_what_the_other_gave(tmp_path):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]))
    publish(tmp_path, pm_line(KARIN, ansprak=[]), kalla="PM")
    with pytest.raises(ImportRefused, match="SECTION"):
        publish(tmp_path, pm_line(KARIN, sjukpenningarende=[]), kalla="PM")

    assert known(KARIN) == ["2026-01-01"]


@pytest.mark.parametrize("state", ["FELANDE", "OTILLGANGLIG"])
def test_a_source_that_is_not_ok_speaks_for_nothing(tmp_path, state):
    publish(tmp_path, line(KARIN, sjukpenningarende=[FIRST]))
    imported = publish(tmp_path, tillstand={"FK": state})

    assert (imported.number, imported.state) == (2, state)
    assert known(KARIN) == ["2026-01-01"] and touched(2) == set()


def test_a_person_stands_once_in_a_file(tmp_path):
    with pytest.raises(ImportRefused, match=r"PERSON_TWICE.* 1, 3\."):
        publish(tmp_path, line(KARIN), line(OLLE), line(KARIN))


def test_content_reads_back_exactly(tmp_path):
    raw = {"bruttobelopp": {"summa": 1234.50}, "datum": "2026-01-25", "nytt": "å\n"}
    publish(tmp_path, line(KARIN, utbetalningsuppgift=[raw]))

    row = BenefitPeriod.objects.get()
    assert json.loads(row.content) == raw
    assert row.amount == Decimal("1234.50")


def test_a_person_made_by_an_order_gets_content_with_the_first_import(tmp_path):
    ensure_persons([KARIN, OLLE, KARIN])
    stub = person_of(KARIN)
    assert stub.numbers.get().recorded_in == 0

    publish(tmp_path, line(KARIN, person=facts(), sjukpenningarende=[FIRST]))

    assert person_of(KARIN) == stub and known(KARIN) == ["2026-01-01"]
    assert Person.objects.count() == 2


def test_a_person_is_made_once_however_often_an_order_names_the_number(tmp_path):
    publish(tmp_path, line(KARIN))
    for _ in range(2):
        ensure_persons([KARIN, OLLE])

    assert Person.objects.count() == PersonNumber.objects.count() == 2


def test_an_import_asks_no_query_for_each_line(tmp_path, django_assert_max_num_queries):
    few = write(tmp_path, [line(identity_number(n), person=facts(), sjukpenningarende=[FIRST]) for n in range(40)])

    with django_assert_max_num_queries(80):
        imported = import_file(manifest_path=few, at=AT)

    assert imported.lines_checked == BenefitPeriod.objects.count() == 40


def test_progress_is_told_and_kept(tmp_path):
    told = []
    imported = import_file(manifest_path=write(tmp_path, [line(KARIN), line(OLLE)]), at=AT, progress=told.append)

    assert told == [2] and imported.lines_checked == 2


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_an_import_waits_for_the_one_before_so_that_none_commits_late(tmp_path):
    """Two at once get numbers in the order of their commits: a reader who has seen N will never meet a new N' < N."""
    assert connection.vendor == "postgresql"
    fk = write(tmp_path, [line(KARIN, sjukpenningarende=[FIRST])])
    other = threading.Thread(target=in_thread, args=(fk,))
    with transaction.atomic():
        hold(Lock.IMPORT)
        other.start()
        other.join(1.5)
        assert other.is_alive(), "The import did not wait."
    other.join(20)

    assert not other.is_alive()
    assert Import.objects.get().number == 1


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_imports_of_two_sources_at_once_get_each_a_number(tmp_path):
    fk = write(tmp_path, [line(identity_number(n), sjukpenningarende=[FIRST]) for n in range(60)])
    pm = write(tmp_path, [pm_line(identity_number(n), ansprak=[CLAIM]) for n in range(60)], kalla="PM")
    threads = [threading.Thread(target=in_thread, args=(path,)) for path in (fk, pm)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(Import.objects.values_list("number", flat=True)) == [1, 2]
    assert PersonNumber.objects.live().count() == 60


def in_thread(path):
    try:
        import_file(manifest_path=path, at=AT)
    finally:
        connections.close_all()
