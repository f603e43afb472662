"""What is asked when a replay is wanted; the answer is a page about the person (deliveries.admin.persons)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name, section_name
from benefits.models import Person
from deliveries.admin.explain import CustomerField
from deliveries.replay import Knowledge, KnownItem, KnownSection, KnownWatch, Replay, Trouble, replay
from deliveries.schema import ACTIVE, ENDED, NOT_AUTHORISED
from subscriptions.models import Customer, Watch

DAY: dict[str, Any] = {"type": "date", "aria-label": _("Day")}
TIME: dict[str, Any] = {"type": "time", "aria-label": _("Time")}
REPLAY_RIGHT = "deliveries.replay_disclosure"
KNOWLEDGE = {
    Knowledge.KNOWN: _("known"),
    Knowledge.READY: _("ready, but not fetched"),
    Knowledge.REPLACED: _("no longer known"),
    Knowledge.NEVER_READ: _("never fetched while it stood"),
}
TROUBLES = {
    Trouble.ERASED: _("erased; number, hash and the names of the sections are kept"),
    Trouble.DAMAGED: _("the stored document is not the one that was released"),
    Trouble.CHAIN: _("the document does not stand where it should in the chain"),
}
STATUSES = {
    ACTIVE: _("active, and complete information followed"),
    NOT_AUTHORISED: _("may not be told"),
    ENDED: _("ended"),
}


class ReplayForm(forms.Form):
    """Which customer, and the instant."""

    customer = CustomerField(label=_("Customer"), queryset=Customer.objects.order_by("name", "unit"))
    at = forms.SplitDateTimeField(
        label=_("Day and time"),
        initial=timezone.now,
        widget=forms.SplitDateTimeWidget(
            date_format="%Y-%m-%d",
            time_format="%H:%M",
            date_attrs=DAY,
            time_attrs=TIME,
        ),
    )


@dataclass(frozen=True, slots=True)
class ItemText:
    item: KnownItem
    knowledge: Any
    stands: bool


@dataclass(frozen=True, slots=True)
class SectionText:
    label: str
    section: KnownSection
    items: list[ItemText]


@dataclass(frozen=True, slots=True)
class WatchText:
    benefit: str
    watch: KnownWatch
    said: list[tuple[Any, Any, Any]]
    sections: list[SectionText]


class Asked:
    """What was posted, and its answer."""

    def __init__(self, posted: Mapping[str, Any]) -> None:
        self.form = ReplayForm(posted)
        self._valid = self.form.is_valid()

    @property
    def details(self) -> dict[str, Any]:
        """What the log says of the question."""
        if not self._valid:
            return {}
        return {"customer": self.form.cleaned_data["customer"].pk, "at": self.form.cleaned_data["at"].isoformat()}

    def answer(self, person: Person) -> dict[str, Any]:
        if not self._valid:
            return {"form": self.form}
        customer, at = self.form.cleaned_data["customer"], self.form.cleaned_data["at"]
        found = replay(person=person, at=at, customer=customer).get(customer.pk) or Replay(at, (), ())
        return {
            "form": self.form,
            "customer": customer,
            "at": at,
            "watches": [_watch(one, at) for one in found.watches],
            "sources": [(one, TROUBLES.get(one.trouble) if one.trouble else "") for one in found.sources],
        }


def _watch(watch: KnownWatch, at: datetime) -> WatchText:
    reasons = dict(Watch.EndReason.choices)
    said = [(STATUSES.get(one.code, one.code), reasons.get(one.reason, one.reason), one.source) for one in watch.said]
    return WatchText(benefit_name(watch.benefit), watch, said, [_section(one, at) for one in watch.sections])


def _section(section: KnownSection, at: datetime) -> SectionText:
    items = [(one, one.knowledge(at)) for one in section.items]
    order = list(Knowledge)
    texts = [
        ItemText(item, KNOWLEDGE[how], how in (Knowledge.KNOWN, Knowledge.READY))
        for item, how in sorted(items, key=lambda pair: (order.index(pair[1]), pair[0].since.number))
    ]
    return SectionText(section_name(section.name), section, texts)
