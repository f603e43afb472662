"""What an organisation fills in about its systems."""

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from lefi.masking import mask_identity_numbers
from subscriptions.clients import LONGEST_OVERLAP, opens_to
from subscriptions.labels import stream_name
from subscriptions.models import Member, Stream

SCOPES = {
    "orders": _("Order, cancel and refresh watches, and read how it went"),
    "deliveries": _("List, fetch and acknowledge deliveries"),
    "consents": _("Register consents, read them and withdraw them"),
}
OVERLAPS = ((7, _("7 days: change it in the system meanwhile")), (1, _("1 day")), (LONGEST_OVERLAP, _("30 days")))
AT_ONCE = 0


class _Streams(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj: Stream) -> str:
        return str(stream_name(obj))


class ClientForm(forms.Form):
    """A system to let in. `key` is of the form as it was shown, so that sending it twice lets in one."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What you call the system, such as Treserva, production.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple
    )
    all_streams = forms.BooleanField(label=_("All streams, also those to come"), required=False)
    streams = _Streams(
        Stream.objects.none(), label=_("Or these streams"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, mine: Member, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scopes = self.fields["scopes"]
        scopes.choices = [one for one in SCOPES.items() if opens_to(mine.role, one[:1])]  # type: ignore[attr-defined]
        if len(scopes.choices) < len(SCOPES):  # type: ignore[attr-defined]
            scopes.help_text = _("A system that fetches deliveries is let in by who has the role integration.")
        streams = Stream.objects.filter(agreement__customer=mine.customer_id, channel=Stream.Channel.API)
        self.fields["streams"].queryset = streams.select_related("agreement").order_by("pk")  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if mask_identity_numbers(name) != name:
            raise forms.ValidationError(_("An identity number must not stand here."))
        return name

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("all_streams") and not data.get("streams"):
            self.add_error("streams", _("Choose the streams that it is let to, or all."))
        return data


class SecretForm(forms.Form):
    """How long the old secret holds."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    overlap = forms.TypedChoiceField(
        label=_("The old secret holds"),
        coerce=int,
        choices=[*OVERLAPS, (AT_ONCE, _("no longer: it may have come into wrong hands"))],
        widget=forms.RadioSelect,
        initial=OVERLAPS[0][0],
    )


class CallFilter(forms.Form):
    failed = forms.BooleanField(label=_("Only those that were refused or failed"), required=False)
