"""Reservations (förbehåll): set and lifted by staff, acknowledged by the customer."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lefi.admin import IsSetFilter, Step, VersionedAdmin, link
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
    change_form_template = "admin/steps.html"
    list_display = ["__str__", "customer_link", "agreement_link", "ground", "set_at", "acknowledged_at", "lifted_at"]
    list_filter = [
        ("acknowledged_at", IsSetFilter),
        ("lifted_at", IsSetFilter),
        "ground",
    ]
    list_select_related = ["agreement__customer"]
    ordering = ["-set_at", "-id"]
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement", "agreement__customer"]
    view_fields = [
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
        return request.user.has_perm("subscriptions.change_reservation")  # type: ignore[union-attr]

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
