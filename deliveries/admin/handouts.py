"""Letting a fetched delivery be handed out once more: proposed from its page, approved by a second person."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from deliveries.handouts import approve_handout, propose_handout
from deliveries.models import Delivery, HandoutRelease
from lefi.admin import Consequence, FourEyesAdmin, link, named_only
from lefi.admin.columns import coded
from lefi.admin.filters import whether
from subscriptions.answers import sentence


class HandoutForm(forms.ModelForm):
    class Meta:
        model = HandoutRelease
        fields = ["delivery", "reason"]
        help_texts = {"reason": _("Why the customer needs the document again. It names no person.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named_only(self, "delivery", Delivery.objects.select_related("stream__agreement"))


@admin.register(HandoutRelease)
class HandoutReleaseAdmin(FourEyesAdmin):
    form = HandoutForm
    list_display = ["id", "delivery_link", "customer_link", "valid_to", "used_at"]
    list_filter = [("used_at", whether(_("not used"), _("used"), _("use")))]
    list_select_related = ["delivery__stream__agreement__customer"]
    ordering = ["-id"]
    narrowed_by = ["delivery"]
    short = ["id", "state", "reason", "valid_to", "used_at"]
    moments = ["prepared_at", "approved_at", ("used_at", "")]
    empty = _("No delivery has been let out a second time.")
    view_fields = ["delivery_link", "customer_link", "reason", "valid_to", "used_at"]
    refusals = {
        "NOT_FETCHED": _("Nobody has fetched the delivery: it needs no release."),
        "NOTHING_REFUSED": _("Nothing in it needs a release: it may all be told, or is only held back for a while."),
        "ALREADY_RELEASED": _("The delivery is released once more already, or that is proposed."),
        "REASON_MISSING": _("A reason is needed."),
        "REASON_TOO_LONG": _("The reason is too long."),
        "REASON_NAMES_A_PERSON": _("Leave out the identity number: the reason is kept in the log."),
    }

    delivery_link = link("delivery", _("delivery"))
    customer_link = link("delivery.stream.agreement.customer", _("customer"))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Which delivery it is about is chosen on that delivery's page."""
        if request.method == "GET" and "delivery" not in request.GET:
            words = _("Open the delivery, and propose it from there.")
            deliveries = reverse("admin:deliveries_delivery_changelist")
            messages.warning(request, format_html('<a href="{}">{}</a>', deliveries, words))
        return super().add_view(request, form_url, {"show_save_and_add_another": False, **(extra_context or {})})

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("refused")  # one entry for each watch refused

    def propose_row(self, request: HttpRequest, obj: HandoutRelease) -> None:
        made = propose_handout(delivery=obj.delivery, reason=obj.reason, by=request.user, at=timezone.now())
        obj.pk = made.pk

    def approve_row(self, request: HttpRequest, obj: HandoutRelease, reason: str) -> None:
        approve_handout(release=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: HandoutRelease) -> list[Consequence]:
        """What the release is for: what in the delivery was refused when it was proposed."""
        codes = sorted({one.partition(":")[2] for one in obj.refused})
        return [
            Consequence(
                title=_("Why it is not handed out as it is"),
                rows=[[coded(sentence(code), code)] for code in codes],
            )
        ]
