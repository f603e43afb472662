"""Orders that staff place on behalf of a customer: one person, a file, or everybody who is watched."""

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import IO, Any

from django import forms
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from lefi.admin import ReasonForm
from lefi.audit.models import Action, record
from subscriptions.admin.ordersteps import set_going
from subscriptions.forms.orders import FileOrder, SingleOrder, StockOrder, StreamField
from subscriptions.models import Agreement, Order, Stream
from subscriptions.orders import files, placing
from subscriptions.profiles import StreamLaw

SINGLE, FILE, STOCK = "single", "file", "stock"


class Choice(forms.Form):
    """For which stream something is ordered, and in what form."""

    stream = StreamField(
        label=_("Stream"), queryset=Stream.objects.none(), empty_label=_("Choose"), help_text=_("Of active agreements.")
    )
    what = forms.ChoiceField(
        label=_("What to order"),
        choices=[(SINGLE, _("One person")), (FILE, _("A file")), (STOCK, _("Everybody who is watched"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        streams = Stream.objects.filter(closed=False, agreement__status=Agreement.Status.ACTIVE)
        streams = streams.select_related("agreement__customer")
        self.fields["stream"].queryset = streams.order_by(  # type: ignore[attr-defined]
            "agreement__customer__name", "agreement__customer__unit", "agreement__code", "purpose", "channel"
        )


class _OnBehalf(ReasonForm):
    """The errand, which is logged; and whether the answers are looked at before anything is done."""

    preview = forms.BooleanField(
        label=_("Answer without effect first"),
        required=False,
        initial=True,
        help_text=_("The order is carried out once it is confirmed."),
    )
    field_order = [
        "file",
        "form",
        "number",
        "kind",
        "benefits",
        "from_date",
        "case_reference",
        "need_reference",
        "reference",
        "preview",
        "reason",
    ]


class SingleOnBehalf(SingleOrder, _OnBehalf):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reference"].label = _("Customer's reference")


class StockOnBehalf(StockOrder, _OnBehalf):
    pass


class FileOnBehalf(FileOrder, _OnBehalf):
    def __init__(self, *args: Any, law: StreamLaw, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reference"].label = _("Customer's reference")


FORMS: dict[str, Any] = {SINGLE: SingleOnBehalf, FILE: FileOnBehalf, STOCK: StockOnBehalf}


@transaction.atomic
def place(form: Any, stream: Stream, *, by: Any, at: datetime) -> Order:
    """Place what a valid form of FORMS asks for, log the errand, and have it worked on. Raise OrderRefused."""
    said = form.cleaned_data
    told = {
        "stream": stream,
        "channel": Order.Channel.ADMIN,
        "at": at,
        "aim": Order.Aim.PREVIEW if said["preview"] else Order.Aim.CARRY_OUT,
        "ordered_by": by,
        "idempotency_key": said["key"],
    }
    order: Order = _PLACED[type(form)](form, told)
    record(
        action=Action.ORDER,
        object_type=order._meta.label_lower,
        object_id=order.pk,
        actor=by,
        reason=said["reason"],
    )
    set_going(order)
    return order


def _single(form: SingleOnBehalf, told: dict[str, Any]) -> Order:
    return placing.place_order(lines=form.lines(), **told)


def _file(form: FileOnBehalf, told: dict[str, Any]) -> Order:
    said = form.cleaned_data
    named = {"file_name": said["file"].name or "", "reference": said["reference"]}
    return _received(said["file"], form.form_found(), told | named)


def _stock(form: StockOnBehalf, told: dict[str, Any]) -> Order:
    written = form.written(told["stream"].agreement.customer)
    return _received(BytesIO(written), Order.Form.JSON, told)


def _received(file: IO[bytes], form: str, told: dict[str, Any]) -> Order:
    received = files.take_in(file, most=settings.ORDER_FILE_MAX_BYTES)
    return placing.receive(received=received, form=form, at_once=True, **told)


_PLACED: dict[type, Callable[[Any, dict[str, Any]], Order]] = {
    SingleOnBehalf: _single,
    FileOnBehalf: _file,
    StockOnBehalf: _stock,
}
