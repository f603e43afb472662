"""How portal users narrow their list of deliveries."""

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from deliveries.models import Delivery, DeliveryQuerySet
from subscriptions.labels import stream_name
from subscriptions.models import Stream


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

    def __init__(self, *args: Any, user: AbstractBaseUser | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        streams = Stream.objects.visible_to(user).select_related("agreement")
        self.fields["stream"].queryset = streams  # type: ignore[attr-defined]

    def apply(self, deliveries: DeliveryQuerySet) -> DeliveryQuerySet:
        """The deliveries that are asked for. What is not understood is ignored."""
        self.is_valid()
        if stream := self.cleaned_data.get("stream"):
            deliveries = deliveries.filter(stream=stream)
        if state := self.cleaned_data.get("state"):
            deliveries = deliveries.filter(IN_STATE[State(state)])
        return deliveries
