"""What portal users fill in on the pages about what was told, and about the watches that stand."""

import re
from datetime import date
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from deliveries.models import Delivery, Reconciliation
from deliveries.models.delivered import DeliveryQuerySet
from deliveries.reconciliation import LEAVE, Repair, lacks_day, may_name_more, orderable
from lefi.masking import NO_IDENTITY_NUMBER, mask_identity_numbers
from subscriptions.forms.orders import LongForm, form_of
from subscriptions.labels import stream_name
from subscriptions.models import Customer, Stream


class State(models.TextChoices):
    """How far a delivery has come with its receiver."""

    NEW = "new", _("New")
    FETCHED = "fetched", _("Fetched")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    RECALLED = "recalled", _("Recalled")


IN_STATE = {
    State.NEW: Q(first_fetched_at=None, recalled_at=None),
    State.FETCHED: Q(first_fetched_at__isnull=False, acknowledged_at=None),
    State.ACKNOWLEDGED: Q(acknowledged_at__isnull=False),
    State.RECALLED: Q(recalled_at__isnull=False),
}


def state_of(delivery: Delivery) -> State:
    """The same states, of a row at hand."""
    if delivery.recalled_at:
        return State.RECALLED
    if delivery.acknowledged_at:
        return State.ACKNOWLEDGED
    return State.FETCHED if delivery.first_fetched_at else State.NEW


class StreamField(forms.ModelChoiceField):
    """One of the user's streams, with its purpose in words."""

    def label_from_instance(self, obj: Any) -> str:
        return stream_name(obj)


class DeliveryFilter(forms.Form):
    stream = StreamField(label=_("Stream"), queryset=Stream.objects.none(), required=False, empty_label=_("All"))
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *State.choices])
    unit = forms.ModelChoiceField(
        label=_("Unit"), required=False, queryset=Customer.objects.none(), empty_label=_("All")
    )
    since = forms.DateField(
        label=_("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, user: AbstractBaseUser | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        streams = Stream.objects.opened_by(user).select_related("agreement")
        units = Customer.objects.visible_to(user)
        self.fields["stream"].queryset = streams  # type: ignore[attr-defined]
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]
        if units.count() < 2:
            del self.fields["unit"]

    def apply(self, deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
        """The deliveries that are asked for. What is not understood is ignored."""
        self.is_valid()
        if stream := self.cleaned_data.get("stream"):
            deliveries = deliveries.filter(stream=stream)
        if state := self.cleaned_data.get("state"):
            deliveries = deliveries.filter(IN_STATE[State(state)])
        if unit := self.cleaned_data.get("unit"):
            deliveries = deliveries.of(unit)
        if since := self.cleaned_data.get("since"):
            deliveries = deliveries.filter(day__gte=since)
        return deliveries


class FindInDelivery(forms.Form):
    """Finds the persons of a case within a delivery: never by an identity number."""

    q = forms.CharField(
        label=_("Case or need reference"),
        required=False,
        max_length=60,
        widget=forms.TextInput(attrs={"pattern": NO_IDENTITY_NUMBER, "autocomplete": "off"}),
    )

    def clean_q(self) -> str:
        sought: str = self.cleaned_data["q"].strip()
        if not re.fullmatch(NO_IDENTITY_NUMBER, sought):
            raise forms.ValidationError(_("Leave out the identity number."))
        return sought


class KeepForm(forms.Form):
    """Why watches are kept that were proposed to be ended."""

    why = forms.CharField(
        label=_("Why they are still needed"),
        min_length=5,
        max_length=300,
        help_text=_("In a few words. Write no identity number here."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_why(self) -> str:
        why: str = self.cleaned_data["why"]
        if mask_identity_numbers(why) != why:
            raise forms.ValidationError(_("Leave out the identity number: the reason is kept in the log."))
        return why


class WatchFile(forms.Form):
    """A list of watches, to be compared with those that stand. `form` is the file's, once it is valid."""

    form = ""
    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV or JSON Lines, in UTF-8."),
        allow_empty_file=True,  # it is refused with words of its own
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.jsonl,.ndjson"}),
    )
    key = forms.CharField(max_length=36, widget=forms.HiddenInput, initial=uuid4)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        self.form = form_of(file.name or "", file)
        if self.form not in Reconciliation.Form.values:
            raise forms.ValidationError(_("A list is read as CSV or JSON Lines alone. Save it as CSV, and send that."))
        return file


CHOICES: dict[str, tuple[Any, tuple[tuple[str, Any], ...]]] = {
    "only_we": (
        _("Watches that only we have: {count}"),
        ((LEAVE, _("Leave them")), ("cancel", _("End them")), ("refresh", _("Fetch everything again"))),
    ),
    "only_you": (
        _("Watches that only you have: {count}"),
        ((LEAVE, _("Leave them")), ("order", _("Order them"))),
    ),
    "differs": (
        _("Watches where what was told differs: {count}"),
        ((LEAVE, _("Leave them")), ("refresh", _("Fetch everything again"))),
    ),
}


class RepairForm(LongForm):
    """What is to be ordered for each kind of difference that a reconciliation found."""

    start = forms.DateField(
        label=_("From"),
        required=False,
        help_text=_("For the watches to order whose lines say no day."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, found: Reconciliation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counts = orderable(found)
        self.kinds = [kind for kind in CHOICES if counts[kind]]
        for kind in self.kinds:
            self.fields[kind] = _choice(kind, counts[kind])
        if counts["only_we"] and may_name_more(found):
            self._keep_from_ending()
        if not counts["only_you"] or not lacks_day(found):
            del self.fields["start"]

    def _keep_from_ending(self) -> None:
        """Take away the choice that would be refused, and say why."""
        field: Any = self.fields["only_we"]
        field.choices = [one for one in field.choices if one[0] != "cancel"]
        field.help_text = _(
            "They cannot be ended by this list: lines that cannot be read may name them. Mend those and send it again."
        )
        field.error_messages["invalid_choice"] = field.help_text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        lacking = "start" in self.fields and not data.get("start") and not self.has_error("start")
        if lacking and data.get("only_you") == "order":
            self.add_error("start", _("A day is needed to order watches from."))
        return data

    def wanted(self) -> Repair:
        start: date | None = self.cleaned_data.get("start")
        return Repair.chosen(self.cleaned_data, start)

    def choices(self) -> list[forms.BoundField]:
        return [self[kind] for kind in self.kinds]


def _choice(kind: str, count: int) -> forms.ChoiceField:
    label, choices = CHOICES[kind]
    return forms.ChoiceField(
        label=format_lazy(label, count=number_format(count, force_grouping=True)),
        choices=choices,
        initial=LEAVE,
        required=False,
        widget=forms.RadioSelect,
    )
