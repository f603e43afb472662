"""Reservations (förbehåll): set and lifted by staff, acknowledged by the customer."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lefi.admin import Step, VersionedAdmin, link
from lefi.admin.columns import EMPTY, SUCCESS, WARNING, ago, badge
from lefi.admin.filters import whether
from subscriptions.models import Reservation
from subscriptions.reservations import lift_reservation, set_reservation


class ReservationForm(forms.ModelForm):
    class Meta:
        model = Reservation
        fields = ["agreement", "ground", "text"]
        help_texts = {
            "text": _("The customer reads and acknowledges it as it stands here. It names no person."),
        }


@admin.register(Reservation)
class ReservationAdmin(VersionedAdmin):
    """From the moment one is saved nothing is delivered under the agreement, until the customer acknowledges it."""

    form = ReservationForm
    list_display = ["set_at", "state_badge", "customer_link", "agreement_link", "ground", "waited", "acknowledged_at"]
    list_filter = [
        ("acknowledged_at", whether(_("waits for the customer"), _("acknowledged"), _("acknowledgement"))),
        ("lifted_at", whether(_("stands"), _("lifted"), _("state"))),
        "ground",
    ]
    list_select_related = ["agreement__customer"]
    ordering = ["-set_at", "-id"]
    search_fields = ["agreement__code", "agreement__customer__name"]
    search_help_text = _("The agreement's code, or the customer's name.")
    short = ["set_at", "state_badge", "ground", "acknowledged_at"]
    moments = ["set_at", "acknowledged_at", "lifted_at"]
    empty = _("No reservation has been set.")
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement", "agreement__customer"]
    view_fields = [
        "state_badge",
        "customer_link",
        "agreement_link",
        "ground",
        "text",
        "set_at",
        "set_by",
        "acknowledged_at",
        "acknowledged_by",
        "lifted_at",
    ]
    refusals = {
        "TEXT": _("The text is empty, holds an identity number, or holds signs that cannot be written."),
        "LIFTED": _("The reservation is lifted already."),
    }

    customer_link = link("agreement.customer", _("customer"))
    agreement_link = link("agreement", _("agreement"))

    @admin.display(description=_("state"))
    def state_badge(self, obj: Reservation) -> str:
        if obj.lifted_at is not None:
            return badge(_("lifted"))
        return badge(_("acknowledged"), SUCCESS) if obj.acknowledged_at else badge(_("waits for the customer"), WARNING)

    @admin.display(description=_("has waited"))
    def waited(self, obj: Reservation) -> str:
        waits = obj.lifted_at is None and obj.acknowledged_at is None
        return ago(obj.set_at) if waits else EMPTY

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.lift_view)
        return [path("<path:object_id>/lift/", view, name="subscriptions_reservation_lift"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Reservation, form: Any, change: bool) -> None:
        made = set_reservation(
            agreement=obj.agreement, ground=obj.ground, text=obj.text, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service has logged it."""

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def steps_of(self, request: HttpRequest, obj: Reservation) -> list[tuple[str, Any]]:
        return [("lift", _("Lift"))] if obj.lifted_at is None and self.has_lift_permission(request) else []

    def lift_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lift a reservation, with a reason."""
        reservation = self.found(request, object_id)
        if not self.has_lift_permission(request):
            raise PermissionDenied
        step = Step(
            title=_("Lift a reservation"),
            button=_("Lift"),
            done=_("The reservation was lifted."),
            act=lambda said: lift_reservation(
                reservation=reservation, reason=said["reason"], by=request.user, at=timezone.now()
            ),
        )
        return self.take(request, reservation, step)
