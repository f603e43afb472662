"""What an organisation fills in when it applies for a connection. No identity number is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator, RegexValidator
from django.forms.models import fields_for_model
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.identity import IdentityError, parse_organisation
from benefits.labels import benefit_name, owner_name
from lefi.masking import mask_identity_numbers
from subscriptions.labels import kind_name
from subscriptions.models import Connection, Stream
from subscriptions.offers import Offer

SEPARATOR = "|"  # between basis and benefit in the value of a choice
ORGANISATION_NUMBERS = ("organisation_number", "agent_organisation_number")
# Numbers of other kinds, which the rule for identity numbers would take for one.
NUMBERS = (*ORGANISATION_NUMBERS, "contact_phone")
TELEPHONE = r"^[+0][0-9 ()\-]{4,}$"
FIELDS = [
    "kind",
    "organisation_number",
    "unit",
    "name",
    "signatory_name",
    "signatory_email",
    "contact_name",
    "contact_email",
    "contact_phone",
    "technical_name",
    "technical_email",
    "agent_name",
    "agent_organisation_number",
    "channel",
    "look_back_days",
    "persons",
    "message",
]
OPTIONAL = (
    "contact_phone",
    "technical_name",
    "technical_email",
    "agent_name",
    "agent_organisation_number",
    "message",
)
WIDGETS: dict[str, type[forms.Widget] | forms.Widget] = {
    "kind": forms.HiddenInput,
    "message": forms.Textarea(attrs={"rows": 4}),
}
HELP: dict[str, Any] = {
    "organisation_number": _("10 digits, such as 202100-5521."),
    "unit": _("For a board or another unit that shares its organisation number: your own short name of it."),
    "name": _("As it is to stand in the agreement."),
    "signatory_name": _("Who may sign agreements for the organisation."),
    "contact_name": _("Whom we ask about the application, and whom we tell how it goes."),
    "technical_name": _("For the API: whom we ask about your system."),
    "agent_name": _("If another organisation fetches deliveries for you."),
    "channel": _("API: a system of yours fetches. Portal: people read, here."),
    "look_back_days": _("How far back a watch may begin. More than 730 days must be explained in the message."),
    "persons": _("How many persons you expect to watch at a time."),
    "message": _("Anything that we should know. Write nothing about particular persons."),
}


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str
    checked: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The benefits of one data owner on one basis."""

    owner: str
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class Part:
    """What may be applied for on one basis."""

    offer: Offer
    groups: list[Group]


class KindForm(forms.Form):
    """What kind of organisation applies; the law opens different bases to different kinds."""

    kind = forms.ChoiceField(label=_("Kind of organisation"))

    def __init__(self, *args: Any, kinds: Iterable[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = sorted(((kind, kind_name(kind)) for kind in kinds), key=lambda choice: choice[1])
        self.fields["kind"].choices = [("", _("Choose")), *named]  # type: ignore[attr-defined]


class ConnectionForm(forms.Form):
    """An application of one kind of organisation, for what is open to that kind."""

    parts = forms.MultipleChoiceField(
        label=_("What is applied for"),
        error_messages={
            "required": _("Choose at least one benefit."),
            "invalid_choice": _("This is not open to your kind of organisation today."),
        },
    )

    def __init__(self, *args: Any, offered: list[Offer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        self.fields |= fields_for_model(Connection, FIELDS, widgets=WIDGETS, help_texts=HELP)
        for name in ORGANISATION_NUMBERS:  # as people write them, with a dash or the century
            self.fields[name].validators = [MaxLengthValidator(13)]
            self.fields[name].widget.attrs |= {"maxlength": "13", "inputmode": "numeric", "autocomplete": "off"}
        self.fields["contact_phone"].validators.append(RegexValidator(TELEPHONE, _("Begin with 0 or +.")))
        for name in OPTIONAL:
            self.fields[name].label = format_lazy("{} ({})", capfirst(str(self.fields[name].label)), _("optional"))
        self.fields["channel"].choices = [  # type: ignore[attr-defined]
            (value, capfirst(label)) for value, label in Stream.Channel.choices
        ]
        self.fields["parts"].choices = [  # type: ignore[attr-defined]
            (value_of(offer, code), benefit_name(code)) for offer in offered for code in offer.benefits
        ]

    def clean_organisation_number(self) -> str:
        return self._organisation_number("organisation_number")

    def clean_agent_organisation_number(self) -> str:
        return self._organisation_number("agent_organisation_number")

    def clean(self) -> dict[str, Any]:
        """Refuse a text with an identity number in it, whatever the field."""
        data = super().clean() or self.cleaned_data
        for name, text in list(data.items()):
            if name not in NUMBERS and isinstance(text, str) and mask_identity_numbers(text) != text:
                self.add_error(name, _("Leave out the identity number."))
        return data

    def _organisation_number(self, name: str) -> str:
        written: str = self.cleaned_data[name]
        try:
            return parse_organisation(written) if written else ""
        except IdentityError as error:
            raise forms.ValidationError(_("This is not an organisation number.")) from error

    def clean_parts(self) -> list[dict[str, Any]]:
        """One part for each basis that a benefit was chosen on."""
        chosen: dict[str, list[str]] = {}
        for value in self.cleaned_data["parts"]:
            basis, _separator, benefit = value.partition(SEPARATOR)
            chosen.setdefault(basis, []).append(benefit)
        return [{"basis": basis, "benefits": benefits} for basis, benefits in chosen.items()]

    def refuse(self, faults: Iterable[tuple[str, str, Any]]) -> None:
        """Show what the service has against it: each (field, code, sentence) at its field."""
        for field, code, sentence in faults:
            self.add_error(field.partition(".")[0], forms.ValidationError(sentence, code=code))

    def faulty(self) -> list[tuple[str, Any]]:
        """The ids and labels of the fields with a fault, in order, for those who look for them on a long page."""
        return [(field.id_for_label or field.name, field.label) for field in self if field.errors]

    def offered_parts(self) -> list[Part]:
        """What may be chosen, and what has been, for the page."""
        chosen = set(self["parts"].value() or ())
        return [Part(offer, _groups(offer, chosen)) for offer in self.offered]


def value_of(offer: Offer, benefit: str) -> str:
    return f"{offer.basis.code}{SEPARATOR}{benefit}"


def _groups(offer: Offer, chosen: set[str]) -> list[Group]:
    by_owner: dict[str, list[Choice]] = {}
    for code in offer.benefits:
        value = value_of(offer, code)
        owner = catalogue().benefits[code].owner
        by_owner.setdefault(owner, []).append(Choice(value, benefit_name(code), value in chosen))
    return [Group(owner_name(owner), choices) for owner, choices in by_owner.items()]
