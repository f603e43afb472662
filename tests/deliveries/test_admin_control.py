"""The night in the admin, as two of the staff go about it: each step is a page, with a reason, and takes two."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils.html import escape

from benefits.models import Import, Reversal
from deliveries.models import Debt, Delivery, HeldSlice, OrderedRun, Run, StreamRun
from lefi.accounts.roles import APPROVER
from lefi.audit.models import AuditEvent
from tests.deliveries.test_brake import news_of_all
from tests.deliveries.test_runs import news
from tests.factories import UserFactory
from tests.histories.sources import SJP

WHY = "Ärende 2026-17"


@pytest.fixture
def two(db, client):
    """Two of the staff, who take turns: `two(0)` and `two(1)` are their browsers."""
    people = [UserFactory(is_staff=True, is_superuser=True) for _ in range(2)]

    def sits_down(who):
        client.force_login(people[who])
        return client

    return sits_down


def step(browser, row, name, **said):
    """Take a step with a row; return the page it ends on."""
    opts = row._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=[row.pk])
    return browser.post(url, {"reason": WHY} | said, follow=True)


def page(browser, row):
    opts = row._meta
    return browser.get(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])).content.decode()


def propose(browser, model, **said):
    opts = model._meta
    return browser.post(reverse(f"admin:{opts.app_label}_{opts.model_name}_add"), said, follow=True)


def test_one_holds_a_run_another_releases_it_and_it_goes_on_to_its_end(two, world, django_capture_on_commit_callbacks):
    run = world.start_night()
    assert "Håll" in page(two(0), run)
    step(two(0), run, "hold")
    run.refresh_from_db()
    assert run.status == Run.Status.HELD

    refused = step(two(0), run, "release")
    assert "ska en annan släppa" in refused.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        step(two(1), run, "release")

    run.refresh_from_db()
    assert run.status == Run.Status.DONE
    assert set(run.streams.values_list("status", flat=True)) == {StreamRun.Status.RELEASED}
    assert AuditEvent.objects.filter(object_type="deliveries.run", reason=WHY).count() == 2


def test_a_run_is_aborted_with_a_reason(two, world):
    run = world.start_night()
    step(two(0), run, "abort", reason="")
    run.refresh_from_db()
    assert run.status == Run.Status.RUNNING

    step(two(0), run, "abort")

    run.refresh_from_db()
    assert run.status == Run.Status.ABORTED


def test_a_held_slice_is_released_by_two_and_told_by_the_next_run(two, many):
    news_of_all(many)
    many.night()
    held = HeldSlice.objects.get()
    assert "Sjukpenning" in page(two(0), held)
    step(two(0), held, "release")
    assert "/drop/" not in page(two(0), held)  # another proposal would be refused
    verdict = held.verdicts.get()
    step(two(0), verdict, "approve")
    verdict.refresh_from_db()
    assert not verdict.in_effect

    step(two(1), verdict, "approve")
    many.night()

    held.refresh_from_db()
    assert held.status == HeldSlice.Status.RELEASED
    assert held.told_in == Run.objects.latest("pk")
    assert Delivery.objects.get(stream=many.streams[0], number=3).persons == 6


def test_a_held_slice_says_what_came_with_it_and_leads_to_what_waits(two, many):
    news_of_all(many)
    many.night()
    held = HeldSlice.objects.get()
    came = list(Import.objects.order_by("number"))[1:]
    said = page(two(0), held)

    assert [one for one in Import.objects.all() if f">{one}</a>" in said] == came[::-1]
    address = f"{reverse('admin:subscriptions_pending_changelist')}?reason__exact=braked&watch__stream={held.stream_id}"
    listed = two(0).get(f"{address}&watch__benefit={SJP}")
    assert f"{escape(address)}&amp;watch__benefit=FK%3ASJP" in said
    assert {one.watch.benefit for one in listed.context["cl"].result_list} == {SJP}
    assert len(listed.context["cl"].result_list) == held.watches


def test_who_may_not_see_what_is_owed_is_not_led_to_it_from_a_held_slice(client, many):
    news_of_all(many)
    many.night()
    approver = UserFactory(is_staff=True)
    approver.groups.set(Group.objects.filter(name=APPROVER.code))
    client.force_login(approver)

    said = page(client, HeldSlice.objects.get())

    assert "Sjukpenning" in said
    assert reverse("admin:subscriptions_pending_changelist") not in said


def test_a_wrong_import_is_undone_and_compensated_from_page_to_page(two, wrong, django_capture_on_commit_callbacks):
    imported = Import.objects.get(pk=wrong.wrong.pk)
    assert f"?imported={imported.pk}" in page(two(0), imported)
    propose(two(0), Reversal, imported=imported.pk, reason=WHY)
    reversal = Reversal.objects.get()
    step(two(1), reversal, "approve")

    form = two(0).get(reverse("admin:deliveries_orderedrun_add")).content.decode()
    assert f'<option value="{reversal.pk}">{imported}</option>' in form
    propose(two(0), OrderedRun, kind=Run.Kind.COMPENSATING, cause="Fel fil den 20 januari", reversal=reversal.pk)
    ordered = OrderedRun.objects.get()
    means = two(1).get(reverse("admin:deliveries_orderedrun_approve", args=[ordered.pk])).content.decode()
    listed = f"?wrong_import={reversal.pk}&amp;delivery__stream={wrong.streams[0].pk}"
    assert listed in means

    told = two(1).get(reverse("admin:deliveries_disclosure_changelist") + listed.replace("&amp;", "&"))
    assert {one.person.first_number for one in told.context["cl"].result_list} == {
        one.number for one in wrong.sources.people[:2]
    }
    assert not any(one.number in told.content.decode() for one in wrong.sources.people)
    with django_capture_on_commit_callbacks(execute=True):
        step(two(1), ordered, "approve")
    run = OrderedRun.objects.get().run
    assert (run.kind, run.status, run.cause) == (Run.Kind.COMPENSATING, Run.Status.DONE, "Fel fil den 20 januari")
    form = two(0).get(reverse("admin:deliveries_orderedrun_add")).content.decode()
    assert f'<option value="{reversal.pk}">' not in form, "it has been compensated"


def test_a_filter_for_a_wrong_import_that_there_is_none_of_changes_nothing(two, wrong):
    url = reverse("admin:deliveries_disclosure_changelist")
    for value in ("999", "x"):
        assert two(0).get(f"{url}?wrong_import={value}").status_code in (200, 302)


def test_debts_are_repaired_by_a_run_that_two_order(two, world, django_capture_on_commit_callbacks):
    news(world)
    watch = world.watch(world.streams[0], 0, SJP)
    refused = propose(two(0), OrderedRun, kind=Run.Kind.REPAIR, cause="Rättelse", reversal="")
    assert "ingen skuld att rätta" in refused.content.decode()
    Debt.objects.create(watch=watch, cause=Debt.Cause.UNTOLD, found_at=world.now)
    propose(two(0), OrderedRun, kind=Run.Kind.REPAIR, cause="Rättelse", reversal="")
    ordered = OrderedRun.objects.get()

    with django_capture_on_commit_callbacks(execute=True):
        step(two(1), ordered, "approve")

    assert OrderedRun.objects.get().run.status == Run.Status.DONE
    assert Delivery.objects.get(stream=world.streams[0]).run.kind == Run.Kind.REPAIR


def test_what_is_held_in_all_streams_is_released_in_all_by_one_verdict(two, many, settings):
    settings.BRAKE_FLOOR, settings.BRAKE_FLOOR_ALL, settings.BRAKE_SHARE = 10, 3, 0.1
    news_of_all(many)
    many.night()
    held = HeldSlice.objects.filter(everywhere=True)
    assert {one.stream for one in held} == {many.streams[0], many.streams[2]}
    assert "Föreslå att släppa i alla strömmar" in page(two(0), held[0])

    step(two(0), held[0], "release-all")
    verdict = held[0].verdicts.get()
    means = two(1).get(reverse("admin:deliveries_sliceverdict_approve", args=[verdict.pk])).content.decode()
    assert all(str(one.stream) in means for one in held)
    step(two(1), verdict, "approve")

    assert set(HeldSlice.objects.values_list("status", flat=True)) == {HeldSlice.Status.RELEASED}


def test_what_is_held_in_one_stream_has_no_verdict_for_all(two, many):
    news_of_all(many)
    many.night()

    assert "i alla strömmar" not in page(two(0), HeldSlice.objects.get()).partition("Föreslå")[2].partition("</ul>")[0]
