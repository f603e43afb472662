"""The demo is what a newcomer sees first: it must show all that the service does, and be true."""

import stat
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from benefits.models import Import
from deliveries import reconciliation
from deliveries.demo import late, logins
from deliveries.demo.cast import LOGINS, ORGANISATIONS
from deliveries.demo.clock import clock, moment
from deliveries.demo.setting import Secret
from deliveries.management.commands import demo as command
from deliveries.models import Delivery, HeldSlice, Reconciliation, Run
from deliveries.storage import place_of
from lefi.service.models import ServiceNotice
from subscriptions.answers import Answer
from subscriptions.decision import Refusal
from subscriptions.models import (
    Agreement,
    Connection,
    LegalBasis,
    Order,
    OwnerApproval,
    Pending,
    Scope,
    Stream,
    Watch,
)
from subscriptions.orders import files
from subscriptions.orders.lines import Head, Line
from subscriptions.orders.tablefile import read_csv
from tests.deliveries.test_verifier import check, hand_over
from tests.factories import DAY, CustomerFactory

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var(settings, tmp_path, db):
    settings.VAR_DIR = tmp_path
    return tmp_path


def demo(*arguments: str) -> str:
    out = StringIO()
    call_command("demo", "data", "--persons", "200", "--nights", "3", *arguments, stdout=out)
    return out.getvalue()


def test_the_demo_is_proved_true_and_shows_every_kind_of_thing(var, client):
    said = demo()

    deliveries = Delivery.objects.standing()
    assert "· different 0\n" in said
    assert (Run.objects.count(), Import.objects.published().count()) == (4, 9)
    assert Run.objects.latest("day").day < timezone.localdate()
    assert OwnerApproval.objects.filter(owner="PM").exists()
    assert Watch.objects.filter(benefit__startswith="PM:", told__section="utbetalningar").exists()
    assert set(Order.objects.values_list("channel", flat=True)) == {"api", "file", "portal"}
    assert deliveries.filter(first_fetched_at=None).exists()
    assert deliveries.filter(acknowledged_at__isnull=False).exists()
    assert deliveries.filter(acknowledged_at=None, first_fetched_at__isnull=False).exists()
    assert Watch.objects.filter(end_reason=Watch.EndReason.CANCELLED).exists()

    _logins_let_people_in(said, client)
    _orders_are_kept_as_they_were_written()
    _orders_wait_for_somebody_to_look_at_them()
    _a_list_of_watches_differs_in_each_way_and_can_be_repaired()
    _the_brake_holds_one_slice_until_two_people_have_looked()
    _there_is_a_file_to_send_oneself(var)
    _something_is_said_to_an_applicant_and_to_everybody(client)
    _made_up_law_says_that_it_is_made_up()
    _what_takes_two_people_was_done_by_two()
    _receivers_can_check_every_document(var)
    _partners_can_verify_their_streams_and_find_each_tampering(var)
    _a_second_time_nothing_is_done()


def _logins_let_people_in(said: str, client) -> None:
    assert stat.S_IMODE(logins.path().stat().st_mode) == 0o600
    assert logins.path().read_text(encoding="utf-8") in said
    words = [line.split() for line in said.splitlines()]
    for one in LOGINS:
        password = next(line[1] for line in words if line[:1] == [one.username])
        assert client.login(username=one.username, password=password)


def _orders_are_kept_as_they_were_written() -> None:
    read = Order.objects.exclude(form="").exclude(status=Order.Status.REFUSED).select_related("stream__agreement")
    assert set(read.values_list("form", flat=True)) == {"xml", "csv", "json", "jsonl"}
    numbers = {f"{one.code}-1": one.organisation_number for one in ORGANISATIONS}
    for order in read:
        items = list(files.read(files.raw_path(order), order.form))
        heads = [one for one in items if isinstance(one, Head)]
        assert {one.organisation_number for one in heads} <= {numbers[order.stream.agreement.code]}
        assert len(items) - len(heads) == order.lines.count() == order.line_count


def _orders_wait_for_somebody_to_look_at_them() -> None:
    last = timezone.localtime(Order.objects.latest("pk").received_at)
    assert (last.date(), last.hour) == (Run.objects.latest("day").day, 23)
    refused, faulty, preview, single = Order.objects.order_by("-pk")[:4]
    assert (refused.status, refused.refusal) == (Order.Status.REFUSED, "NOT_XML")
    assert (preview.status, set(preview.counts)) == (Order.Status.PREVIEWED, {"ACCEPTED"})
    assert (single.form, single.counts) == ("", {"ACCEPTED": 1})
    assert len(faulty.counts) >= 12
    assert set(faulty.counts) <= {*Answer, *Refusal}
    assert faulty.done_at < timezone.now() - timedelta(hours=1)


def _a_list_of_watches_differs_in_each_way_and_can_be_repaired() -> None:
    compared = Reconciliation.objects.get()
    assert compared.sent_by is not None and compared.repair is None
    assert {kind for kind, count in compared.counts.items() if count} == {"EQUAL", "ONLY_WE", "ONLY_YOU", "DIFFERS"}
    assert not reconciliation.lacks_day(compared)


def _the_brake_holds_one_slice_until_two_people_have_looked() -> None:
    held = HeldSlice.objects.get()
    assert (held.status, held.run) == (HeldSlice.Status.HELD, Run.objects.latest("pk"))
    assert Pending.objects.filter(reason=Pending.Reason.BRAKED).count() >= held.watches > held.limit
    assert not held.verdicts.exists()


def _there_is_a_file_to_send_oneself(var: Path) -> None:
    with late.path().open("rb") as file:
        lines = [one for one in read_csv(file) if isinstance(one, Line)]
    assert late.path().is_relative_to(var)
    assert len(lines) > len({one.number for one in lines}) > 12


def _something_is_said_to_an_applicant_and_to_everybody(client) -> None:
    connection = Connection.objects.get(status=Connection.Status.NOTIFIED)
    assert [bool(one.by) for one in connection.messages.order_by("pk")] == [True, False]
    stop = ServiceNotice.objects.planned(timezone.now()).get()
    assert stop.title_sv in client.get("/service/status/").content.decode()


def _made_up_law_says_that_it_is_made_up() -> None:
    added = LegalBasis.objects.filter(version=2)
    assert set(added.values_list("code", flat=True)) == {"INS-SKADE", "CSN-1", "STAT-3", "AKASSA"}
    for basis in added:
        assert basis.note_sv.startswith("DEMOLAG")
        assert basis.note_en.startswith("DEMO LAW")
        assert "valid_from" in basis.ours


def _what_takes_two_people_was_done_by_two() -> None:
    added = [*LegalBasis.objects.filter(version=2), *OwnerApproval.objects.all(), *Scope.objects.approved()]
    agreed = [*Agreement.objects.filter(status=Agreement.Status.ACTIVE)]
    assert len(agreed) == len(ORGANISATIONS)
    by = {(one.prepared_by.username, one.approved_by.username) for one in [*added, *agreed]}
    assert by == {("admin", "jurist")}
    assert Agreement.objects.get(status=Agreement.Status.SENT).document
    assert Connection.objects.get(status=Connection.Status.NOTIFIED).parts


def _receivers_can_check_every_document(var: Path) -> None:
    """With the published program and catalogue alone, from a folder where nothing of ours can be imported."""
    documents = [place_of(one.sha256) for one in Delivery.objects.standing()]
    largest = max(documents, key=lambda one: one.stat().st_size)
    altered = var / "altered.xml"
    altered.write_text(largest.read_text(encoding="utf-8").replace("<fran>2026-", "<fran>2025-"), encoding="utf-8")

    assert [_checked(one) for one in (largest, documents[0])] == ["all digests hold"] * 2
    assert "is not what its id says" in _checked(altered)


def _checked(document: Path) -> str:
    program, catalogue = ROOT / "docs" / "digest_reference.py", ROOT / "benefits" / "catalogue.json"
    command = [sys.executable, "-I", str(program), str(catalogue), str(document)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=document.parent)
    return done.stdout.strip()


def _partners_can_verify_their_streams_and_find_each_tampering(var: Path) -> None:
    for stream in Stream.objects.exclude(last_number=0):
        folder = var / f"stream-{stream.pk}"
        hand_over(stream, folder)
        code, said = check(folder, "--newest", str(stream.last_number))
        assert (code, said["faults"]) == (0, []), stream
    newest = max(folder.glob("*.xml"))
    whole = newest.read_bytes()
    for tampered, named in ((whole[:-200], "TRUNCATED"), (whole.replace(b"<avtal>", b"<avtal>X", 1), "HASH")):
        newest.write_bytes(tampered)
        assert named in {one["code"] for one in check(folder)[1]["faults"]}
    newest.unlink()
    assert {one["code"] for one in check(folder)[1]["faults"]} == {"GAP"}


def _a_second_time_nothing_is_done() -> None:
    before = Stream.objects.count()
    assert "are there already" in demo()
    assert Stream.objects.count() == before


def test_the_demo_does_not_mix_with_anybody_elses_data(var):
    CustomerFactory()

    with pytest.raises(CommandError, match="not the demo's"):
        demo()


def test_the_demo_throws_away_only_a_database_of_its_own_folder(var):
    with pytest.raises(CommandError, match="empty yours yourself"):
        demo("--rebuild")


def test_the_server_has_nothing_to_show_before_there_are_data(var):
    with pytest.raises(CommandError, match="nothing to show"):
        call_command("demo", "serve")


def test_the_server_has_a_worker_that_ends_when_it_does(var, tmp_path, monkeypatch):
    """The worker sees neither the broker nor the database of whoever runs the tests."""
    logins.write([Secret("Sjukfallet AB", "id", "hemlighet", client=True)])
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'worker.sqlite3'}")
    processes, seen = [], []
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **said: processes.append(start(*args, **said)) or processes[0]
    )
    monkeypatch.setattr(command, "call_command", lambda name, *args, **said: seen.append((name, list(processes))))
    out = StringIO()

    call_command("demo", "serve", "--port", "8123", stdout=out)

    (worker,) = processes
    assert seen == [("collectstatic", []), ("runserver", [worker])]
    assert worker.returncode is not None
    assert (var / "worker.log").exists()
    assert "http://127.0.0.1:8123/api/v1/streams/" in out.getvalue()
    assert str(var / "worker.log") in out.getvalue()


def test_the_storys_clock_stands_where_it_is_set_and_goes_back_after():
    real = timezone.now

    with clock(moment(DAY, 22)):
        assert timezone.localtime().strftime("%Y-%m-%d %H:%M") == "2026-11-23 22:00"
    assert timezone.now is real
