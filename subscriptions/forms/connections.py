"""What an organisation fills in when it applies for a connection, step by step. No identity number is asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator, RegexValidator
from django.forms.models import fields_for_model
from django.utils.functional import Promise
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.identity import IdentityError, parse_organisation
from benefits.labels import benefit_name, owner_name
from lefi.masking import mask_identity_numbers
from subscriptions.connections import Annex
from subscriptions.connections.messages import LONGEST
from subscriptions.labels import kind_name
from subscriptions.models import Connection, Stream
from subscriptions.offers import Offer

SEPARATOR = "|"  # between basis and benefit in the value of a choice
ANNEX = "annex_"  # before the code of an annex, in the name of its field
ORGANISATION_NUMBERS = ("organisation_number", "agent_organisation_number")
# Numbers of other kinds, which the rule for identity numbers would take for one.
NUMBERS = (*ORGANISATION_NUMBERS, "contact_phone")
TELEPHONE = r"^[+0][0-9 ()\-]{4,}$"
OPTIONAL = (
    "contact_phone",
    "technical_name",
    "technical_email",
    "agent_name",
    "agent_organisation_number",
    "message",
)
WIDGETS: dict[str, type[forms.Widget] | forms.Widget] = {"message": forms.Textarea(attrs={"rows": 4})}
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
ANNEX_HELP: dict[str, Any] = {
    Annex.AUTHORITY: _("Such as a registration certificate, a decision on delegation or a power of attorney."),
    Annex.PROCESSING: _("Between your organisation and the agent."),
}


@dataclass(frozen=True, slots=True)
class Page:
    """One step of an application: its place in addresses, its title, and the fields that it asks for."""

    slug: str
    title: Promise
    fields: tuple[str, ...]


PAGES = (
    Page("organisation", _("The organisation"), ("organisation_number", "name", "unit")),
    Page("information", _("What is applied for"), ("parts",)),
    Page(
        "people",
        _("People"),
        (
            "signatory_name",
            "signatory_email",
            "contact_name",
            "contact_email",
            "contact_phone",
            "technical_name",
            "technical_email",
            "agent_name",
            "agent_organisation_number",
        ),
    ),
    Page("deliveries", _("Deliveries"), ("channel", "persons", "look_back_days", "message")),
    Page("annexes", _("Annexes"), ("annexes",)),
)


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


class PageForm(forms.Form):
    """One step of an application, with what has been filled in already. `kept` is what of it is right."""

    def __init__(
        self, data: Any, *, page: Page, values: Mapping[str, Any], offered: list[Offer], annexes: list[Annex]
    ) -> None:
        super().__init__(data, initial=_initial(values))
        self.page, self.offered = page, offered
        self.fields |= fields_for_model(Connection, page.fields, widgets=WIDGETS, help_texts=HELP)
        self._adapt()
        if "parts" in page.fields:
            self.fields["parts"] = _parts_field(offered)
        if "annexes" in page.fields:
            self.fields.pop("annexes")
            self.fields |= {f"{ANNEX}{one}": _annex_field(one) for one in annexes}

    def _adapt(self) -> None:
        """Let fields of the model ask as people answer."""
        for name in {*ORGANISATION_NUMBERS} & self.fields.keys():  # as people write them, with a dash or the century
            self.fields[name].validators = [MaxLengthValidator(13)]
            self.fields[name].widget.attrs |= {"maxlength": "13", "inputmode": "numeric", "autocomplete": "off"}
        if "contact_phone" in self.fields:
            self.fields["contact_phone"].validators.append(RegexValidator(TELEPHONE, _("Begin with 0 or +.")))
        for name in {*OPTIONAL} & self.fields.keys():
            self.fields[name].label = format_lazy("{} ({})", capfirst(str(self.fields[name].label)), _("optional"))
        if "channel" in self.fields:
            self.fields["channel"].choices = [  # type: ignore[attr-defined]
                (value, capfirst(label)) for value, label in Stream.Channel.choices
            ]

    @property
    def kept(self) -> dict[str, Any]:
        """What of the step is right, by the names of the application's fields, to be kept in the draft."""
        self.errors  # noqa: B018 - validates
        right = dict(self.cleaned_data)
        annexes = {name.removeprefix(ANNEX): right.pop(name) for name in list(right) if name.startswith(ANNEX)}
        return right | ({"annexes": annexes} if "annexes" in self.page.fields else {})

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
        """Show what the service has against it: each (field, code, sentence) at its field, or above them all."""
        for field, code, sentence in faults:
            name = field.partition(".")[0]
            self.add_error(name if name in self.fields else None, forms.ValidationError(sentence, code=code))

    def faulty(self) -> list[tuple[str, Any]]:
        """The ids and labels of the fields with a fault, in order, for those who look for them on a long page."""
        return [(field.id_for_label or field.name, field.label) for field in self if field.errors]

    def offered_parts(self) -> list[Part]:
        """What may be chosen, and what has been, for the page."""
        chosen = set(self["parts"].value() or ())
        return [Part(offer, _groups(offer, chosen)) for offer in self.offered]


class LinkForm(forms.Form):
    """Where the address of a draft is mailed."""

    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class MessageForm(forms.Form):
    """A message about an application, from the applicant."""

    text = forms.CharField(
        label=_("Your message"),
        max_length=LONGEST,
        help_text=_("To your connection officer. Write nothing about particular persons."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )


def page_of(field: str) -> Page:
    """The step that asks for a field of the application. What no step asks for belongs to the first."""
    name = field.partition(".")[0]
    return next((page for page in PAGES if name in page.fields), PAGES[0])


def value_of(offer: Offer, benefit: str) -> str:
    return f"{offer.basis.code}{SEPARATOR}{benefit}"


def _initial(values: Mapping[str, Any]) -> dict[str, Any]:
    parts = [f"{part['basis']}{SEPARATOR}{code}" for part in values.get("parts", ()) for code in part["benefits"]]
    annexes = {f"{ANNEX}{code}": text for code, text in values.get("annexes", {}).items()}
    return dict(values) | annexes | {"parts": parts}


def _parts_field(offered: list[Offer]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("What is applied for"),
        choices=[(value_of(offer, code), benefit_name(code)) for offer in offered for code in offer.benefits],
        error_messages={
            "required": _("Choose at least one benefit."),
            "invalid_choice": _("This is not open to your kind of organisation today."),
        },
    )


def _annex_field(annex: Annex) -> forms.CharField:
    return forms.CharField(label=annex.label, max_length=120, required=False, help_text=ANNEX_HELP[annex])


def _groups(offer: Offer, chosen: set[str]) -> list[Group]:
    by_owner: dict[str, list[Choice]] = {}
    for code in offer.benefits:
        value = value_of(offer, code)
        owner = catalogue().benefits[code].owner
        by_owner.setdefault(owner, []).append(Choice(value, benefit_name(code), value in chosen))
    return [Group(owner_name(owner), choices) for owner, choices in by_owner.items()]
