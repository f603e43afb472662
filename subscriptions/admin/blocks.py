"""Emergency blocks: set by one, lifted by another."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lefi.admin import Step, VersionedAdmin, link
from lefi.admin.columns import ERROR, badge
from lefi.admin.filters import whether
from subscriptions.admin.fields import BasisField, BenefitField, basis_link, basis_words, benefit_label, titled
from subscriptions.blocks import lift_block, set_block
from subscriptions.models import Block


class BlockForm(forms.ModelForm):
    basis_code = BasisField(required=False)
    benefit = BenefitField(required=False)

    class Meta:
        model = Block
        fields = ["ground", "customer", "agreement", "basis_code", "benefit", "reason"]


@admin.register(Block)
class BlockAdmin(VersionedAdmin):
    """A block holds from the moment it is saved; afterwards it can only be lifted, by another."""

    form = BlockForm
    list_display = [
        "set_at",
        "state_badge",
        "customer_link",
        "agreement_link",
        "basis_words",
        "benefit_label",
        "ground",
        "set_by",
        "lifted_at",
    ]
    list_filter = [("lifted_at", whether(_("stands"), _("lifted"), _("state"))), "ground"]
    list_select_related = ["customer", "agreement", "set_by"]
    ordering = ["-set_at"]
    search_fields = ["customer__name", "agreement__code", "^basis_code"]
    search_help_text = _("The customer's name, or the code of an agreement or a legal basis.")
    short = ["set_at", "state_badge", "ground", "reason"]
    moments = ["set_at", "lifted_at"]
    empty = _("Nothing is blocked, and nothing has been.")
    autocomplete_fields = ["customer", "agreement"]
    narrowed_by = ["customer", "agreement"]
    view_fields = [
        "state_badge",
        "ground",
        "customer_link",
        "agreement_link",
        "basis",
        "benefit_label",
        "reason",
        "set_at",
        "set_by",
        "lifted_at",
    ]
    refusals = {
        "BLOCK_STOPS_NOTHING": _("A block names what it stops."),
        "BLOCK_WITHOUT_RECIPIENT": _("Name the customer or the agreement that is suspected."),
        "BLOCK_SAME_PERSON": _("A block is lifted by another person than who set it."),
        "BLOCK_LIFTED": _("The block is lifted already."),
        "REASON_MISSING": _("A reason is needed."),
        "REASON_TOO_LONG": _("The reason is too long."),
        "REASON_NAMES_A_PERSON": _("Leave out the identity number: the reason is kept in the log."),
    }

    customer_link = link("customer", _("customer"))
    agreement_link = link("agreement", _("agreement"))
    basis = basis_link
    basis_words = basis_words
    benefit_label = benefit_label

    @admin.display(description=_("state"), ordering="lifted_at")
    def state_badge(self, obj: Block) -> str:
        return badge(_("stands"), ERROR) if obj.lifted_at is None else badge(_("lifted"))

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return titled(super().get_queryset(request))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.lift_view)
        return [path("<path:object_id>/lift/", view, name="subscriptions_block_lift"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Block, form: Any, change: bool) -> None:
        set_block(block=obj, by=request.user, at=timezone.now())

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service has logged it."""

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def steps_of(self, request: HttpRequest, obj: Block) -> list[tuple[str, Any]]:
        own = obj.set_by_id == request.user.pk
        open_to_reader = obj.lifted_at is None and not own and self.has_lift_permission(request)
        return [("lift", _("Lift"))] if open_to_reader else []

    def lift_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lift a block, with a reason."""
        block = self.found(request, object_id)
        if not self.has_lift_permission(request):
            raise PermissionDenied
        own = block.set_by_id == request.user.pk
        step = Step(
            title=_("Lift an emergency block"),
            button=_("Lift"),
            done=_("The block was lifted."),
            act=lambda said: lift_block(block=block, by=request.user, at=timezone.now(), reason=said["reason"]),
            refusal=self.refusals["BLOCK_SAME_PERSON"] if own else "",
        )
        return self.take(request, block, step)
