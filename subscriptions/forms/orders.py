"""What portal users fill in to order watches, and to find their orders."""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import PurePath
from typing import IO, Any
from uuid import uuid4

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import date as written_day
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name
from lefi.masking import NO_IDENTITY_NUMBER
from subscriptions.forms.watches import IdentityNumber
from subscriptions.labels import purpose_name
from subscriptions.models import Customer, Order, Stream
from subscriptions.orders.lines import CANCEL, MOST_CASE, MOST_REFERENCE, NEW, REFRESH, Line
from subscriptions.orders.mending import to_mend
from subscriptions.profiles import StreamLaw

HEAD = 64 * 1024  # bytes that a file's form is found by
FORM_OF_NAME: dict[str, str] = {
    ".xml": Order.Form.XML,
    ".csv": Order.Form.CSV,
    ".txt": Order.Form.CSV,
    ".xlsx": Order.Form.XLSX,
    ".json": Order.Form.JSON,
    ".jsonl": Order.Form.JSONL,
    ".ndjson": Order.Form.JSONL,
}
ACCEPTED_FILES = ",".join(FORM_OF_NAME)
REFERENCES = ("case_reference", "need_reference")


def form_of(name: str, file: IO[bytes]) -> str:
    """The form (Order.Form) of a file, by how it begins, and by its name where that says no more. Rewinds the file."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return Order.Form.XLSX
    text = _readable(head).lstrip()
    if text.startswith("<"):
        return Order.Form.XML
    named = FORM_OF_NAME.get(PurePath(name).suffix.lower(), "")
    if not text.startswith(("{", "[")):
        return named or Order.Form.CSV
    return named if named in (Order.Form.JSON, Order.Form.JSONL) else _form_of_json(text)


def _readable(head: bytes) -> str:
    utf16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return head.decode("utf-16" if utf16 else "utf-8-sig", "ignore")


def _form_of_json(text: str) -> str:
    """JSON Lines if the first line is an object by itself, and not a whole order."""
    try:
        first = json.loads(text.partition("\n")[0])
    except (ValueError, RecursionError):
        return Order.Form.JSON
    return Order.Form.JSON if not isinstance(first, dict) or "rader" in first else Order.Form.JSONL


def key_of(token: str, *said: object) -> str:
    """The idempotency key of what was written on one page: the same if it is sent twice, another for other words.

    It tells nothing of the words, which may hold an identity number.
    """
    return salted_hmac(token, repr(said), algorithm="sha256").hexdigest()


class StreamField(forms.ModelChoiceField):
    def label_from_instance(self, stream: Stream) -> str:
        agreement = stream.agreement
        return f"{agreement.customer} · {purpose_name(stream.purpose)} · {stream.get_channel_display()} ({agreement})"


class StreamChoice(forms.Form):
    """For which unit and purpose something is ordered."""

    stream = StreamField(label=_("Unit and purpose"), queryset=Stream.objects.none(), empty_label=_("Choose"))

    def __init__(self, *args: Any, streams: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stream"].queryset = streams  # type: ignore[attr-defined]


class LongForm(forms.Form):
    """A form on a long page, which says at its top where the faults are."""

    def faulty(self) -> list[tuple[str, Any]]:
        """The places and labels of the fields with a fault, in order, for those who look for them on a long page."""
        return [(field.auto_id, field.label) for field in self if field.errors]


class _InStream(LongForm):
    """What is ordered in one stream, for benefits that its agreement covers. `law` holds today."""

    kind = forms.ChoiceField(label=_("What to order"), widget=forms.RadioSelect, initial=NEW)
    benefits = forms.MultipleChoiceField(
        label=_("Benefits"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one benefit.")},
    )
    from_date = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    key = forms.CharField(max_length=36, widget=forms.HiddenInput, initial=uuid4)

    KINDS: tuple[tuple[str, Promise], ...] = ()

    def __init__(self, *args: Any, law: StreamLaw, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        covered = law.scope.benefits if law.scope else []
        choices = sorted(((code, benefit_name(code)) for code in covered), key=lambda choice: choice[1])
        self.earliest = law.day - timedelta(days=law.scope.look_back_days) if law.scope else law.day
        self.fields["kind"].choices = self.KINDS  # type: ignore[attr-defined]
        self.fields["benefits"].choices = choices  # type: ignore[attr-defined]
        self.initial.setdefault("from_date", law.day)
        if len(choices) == 1:
            self.initial.setdefault("benefits", [choices[0][0]])
        self.fields["from_date"].help_text = format_lazy(
            _("What ended before this day is not told. {day} at the earliest."),
            day=written_day(self.earliest, "Y-m-d"),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("kind") == NEW:
            self._check_new(data)
        return data

    def _check_new(self, data: dict[str, Any]) -> None:
        from_date: date | None = data.get("from_date")
        if from_date is None and not self.has_error("from_date"):
            self.add_error("from_date", _("A new watch needs a day to begin at."))
        if from_date is not None and from_date < self.earliest:
            self.add_error("from_date", _("This is earlier than the agreement allows."))


class SingleOrder(_InStream):
    """An order about one person. `lines` are its lines once it is valid."""

    field_order = ["kind", "number", "benefits"]
    KINDS = ((NEW, _("New watch")), (CANCEL, _("End a watch")), (REFRESH, _("Fetch everything again")))

    number = IdentityNumber(help_text=_("Personal identity number or coordination number, 10 or 12 digits."))
    case_reference = forms.CharField(
        label=_("Case reference"),
        help_text=_("The law asks for the case that the information is needed in. The watch lasts no longer than it."),
        max_length=MOST_CASE,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    need_reference = forms.CharField(
        label=_("Reference to the need"),
        help_text=_("The law asks for what the information is needed for. The watch lasts no longer than the need."),
        max_length=MOST_CASE,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reference = forms.CharField(
        label=_("Your own reference (optional)"),
        help_text=_("Given back with the answer."),
        max_length=MOST_REFERENCE,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, law: StreamLaw, **kwargs: Any) -> None:
        super().__init__(*args, law=law, **kwargs)
        needs = law.basis.needs if law.basis else frozenset()
        for name in REFERENCES:
            if name not in needs:
                del self.fields[name]

    def _check_new(self, data: dict[str, Any]) -> None:
        super()._check_new(data)
        for name in REFERENCES:
            if name in self.fields and not data.get(name) and not self.has_error(name):
                self.add_error(name, _("A new watch needs this reference."))

    def clean(self) -> dict[str, Any]:
        """Refuse a reference that is an identity number: references are shown and searched for in the open."""
        data = super().clean()
        for name in (*REFERENCES, "reference"):
            if not re.fullmatch(NO_IDENTITY_NUMBER, data.get(name, "")):
                self.add_error(name, _("Leave out the identity number."))
        return data

    def lines(self) -> list[Line]:
        said = self.cleaned_data
        new = said["kind"] == NEW
        case, need = (said.get(name, "") if new else "" for name in REFERENCES)
        from_date = said["from_date"] if new else None
        return [
            Line(said["kind"], said["number"], benefit, from_date, case, need, said["reference"], row)
            for row, benefit in enumerate(said["benefits"], start=1)
        ]


class StockOrder(_InStream):
    """An order about everybody who is watched in the stream."""

    KINDS = (
        (NEW, _("Watch more benefits for everybody")),
        (REFRESH, _("Fetch everything again for everybody")),
        (CANCEL, _("End the watches on everybody")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["benefits"].required = False
        self.fields["benefits"].help_text = _("To fetch again or to end: tick none for all of them.")

    def _check_new(self, data: dict[str, Any]) -> None:
        super()._check_new(data)
        if not data.get("benefits"):
            self.add_error("benefits", _("Choose at least one benefit."))

    def written(self, customer: Customer) -> bytes:
        """The order as a file of JSON, as the customer's own system would write it."""
        said = self.cleaned_data
        row = {"typ": said["kind"], "bestand": True, "formaner": said["benefits"]}
        if said["kind"] == NEW:
            row["from"] = said["from_date"].isoformat()
        head = {"organisationsnummer": customer.organisation_number, "enhet": customer.unit}
        return json.dumps(head | {"rader": [row]}, ensure_ascii=False).encode()


class FileOrder(forms.Form):
    """An order as a file, in any of the five forms. `form_found` is which, once it is valid."""

    file = forms.FileField(
        label=_("File"),
        help_text=_("CSV, Excel (XLSX), XML, JSON or JSON Lines."),
        allow_empty_file=True,  # it is refused with the words that any file is
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED_FILES}),
    )
    form = forms.ChoiceField(
        label=_("File format"),
        required=False,
        choices=[("", _("Found by the file itself")), *Order.Form.choices],
    )
    reference = forms.CharField(
        label=_("Your own reference (optional)"),
        help_text=_("For the order as a whole."),
        max_length=MOST_REFERENCE,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "pattern": NO_IDENTITY_NUMBER}),
    )
    key = forms.CharField(max_length=36, widget=forms.HiddenInput, initial=uuid4)

    def form_found(self) -> str:
        file: UploadedFile = self.cleaned_data["file"]
        return self.cleaned_data["form"] or form_of(file.name or "", file)

    def clean_reference(self) -> str:
        reference: str = self.cleaned_data["reference"]
        if not re.fullmatch(NO_IDENTITY_NUMBER, reference):
            raise forms.ValidationError(_("Leave out the identity number."))
        return reference


class ConfirmEnd(forms.Form):
    """Has somebody who is about to end many watches write the unit's name."""

    unit = forms.CharField(label=_("The unit's name"), widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.customer = customer
        self.fields["unit"].help_text = format_lazy(
            _("Many watches would end. To show that you mean it, write: {name}"), name=customer.name
        )

    def clean_unit(self) -> str:
        written = " ".join(self.cleaned_data["unit"].split())
        if written.casefold() != self.customer.name.casefold():
            raise forms.ValidationError(_("This is not the unit's name."))
        return written


class OrderFilter(forms.Form):
    """Narrows a list of orders by state and unit, and to one's own."""

    status = forms.ChoiceField(label=_("State"), required=False)
    unit = forms.ModelChoiceField(
        label=_("Unit"), required=False, queryset=Customer.objects.none(), empty_label=_("All")
    )
    mine = forms.BooleanField(label=_("Only my own"), required=False)
    faults = forms.BooleanField(label=_("Only with lines to mend"), required=False)

    def __init__(self, *args: Any, user: AbstractBaseUser | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["status"].choices = list(_states())  # type: ignore[attr-defined]
        self.fields["unit"].queryset = Customer.objects.visible_to(user)  # type: ignore[attr-defined]

    def apply(self, orders: Any) -> Any:
        """The orders asked for; those thrown away only if they are. What is not understood is ignored."""
        self.is_valid()
        wanted = self.cleaned_data
        if wanted.get("faults"):
            faulty = to_mend(orders.looked_after_by(self.user), timezone.now())
            orders = orders.filter(pk__in=[one.order.pk for one in faulty])
        if status := wanted.get("status"):
            orders = orders.filter(status=status)
        else:
            orders = orders.exclude(status=Order.Status.THROWN_AWAY)
        if unit := wanted.get("unit"):
            orders = orders.filter(stream__agreement__customer=unit)
        return orders.filter(ordered_by=self.user) if wanted.get("mine") else orders


def _states() -> Iterator[tuple[str, Any]]:
    yield "", _("All")
    labels: Iterable[tuple[str, Any]] = Order.Status.choices
    yield from ((value, str(label).capitalize()) for value, label in labels)
