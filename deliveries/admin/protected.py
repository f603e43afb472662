"""Persons with protected identity: the queue of frozen watches, and the releases that let one be told (C8).

The queue names no person. Every look at it is logged as a kind of read of its own.
"""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from benefits.admin import AboutAPerson
from benefits.labels import benefit_name
from lefi.admin import Consequence, FourEyesAdmin, Step, link, named_only
from lefi.admin.columns import EMPTY, ERROR, badge, due
from lefi.admin.filters import one_of, whether
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.paging import BoundedPaginator
from lefi.reasons import demand_reason
from subscriptions import protection
from subscriptions.admin.fields import class_names
from subscriptions.decision import NEVER_OF_PROTECTED
from subscriptions.labels import stream_name
from subscriptions.models import LegalBasis, ProtectedRelease, Watch

PER_PAGE = 50
MOST = 1000  # that the queue leads to: the rest come as those are decided on
QUEUE = "subscriptions.protected_queue"  # what the log of reads calls it


class QueuePaginator(BoundedPaginator):
    """Pages of the queue, each looked up by the keys of its rows."""

    most = MOST

    def __init__(self, day: date, at: datetime) -> None:
        super().__init__(protection.queue(day=day, at=at), PER_PAGE)
        self.day = day

    def page(self, number: Any) -> Page:
        number = self.validate_number(number)
        keys = protection.first_in_queue(number * PER_PAGE, day=self.day)
        rows: Any = self.object_list
        return Page(rows.filter(pk__in=keys[(number - 1) * PER_PAGE :]), number, self)


class WatchField(forms.ModelChoiceField):
    """One watch, by what it is about and for whom, and never by the person."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.pk}: {benefit_name(obj.benefit)} · {obj.stream.agreement.customer} · {stream_name(obj.stream)}"


class ReleaseForm(forms.ModelForm):
    watch = WatchField(label=_("Watch"), queryset=Watch.objects.none())
    valid_to = forms.DateField(label=_("Valid to"), widget=AdminDateWidget)

    class Meta:
        model = ProtectedRelease
        fields = ["watch", "valid_to", "reason"]
        help_texts = {"reason": _("Why the customer needs to be told now, and why it does the person no harm.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named_only(self, "watch", Watch.objects.select_related("stream__agreement__customer"))

    def clean_reason(self) -> str:
        try:
            return demand_reason(self.cleaned_data["reason"])
        except Refused as refused:
            raise forms.ValidationError(REFUSALS[refused.code]) from refused


REFUSALS = {
    "NO_RIGHT": _("You do not have the right to release persons with protected identity."),
    "NOT_PROTECTED": _("The person's identity is not protected."),
    "ALREADY_RELEASED": _("The watch is released already, or a release of it is proposed."),
    "ENDS_BEFORE_IT_STARTS": _("The release ends before it starts."),
    "TOO_LONG": _("A release is for 90 days at most."),
    "LAPSED": _("The last day of the release has passed."),
    "NOT_IN_FORCE": _("The release is not in force."),
    "REASON_MISSING": _("A reason is needed."),
    "REASON_TOO_LONG": _("The reason is too long."),
    "REASON_NAMES_A_PERSON": _("Leave out the identity number: the reason is kept in the log."),
}


@admin.register(ProtectedRelease)
class ProtectedReleaseAdmin(AboutAPerson, FourEyesAdmin):
    """Proposed from the queue, approved by a second person with a right of its own, withdrawn by one."""

    form = ReleaseForm
    list_display = ["id", "watch_link", "customer_link", "valid_from", "last_day", "automatic", "withdrawn_at"]
    list_filter = [
        one_of("automatic", _("given"), lambda: [("0", _("by two of the staff")), ("1", _("by itself"))]),
        ("withdrawn_at", whether(_("stands"), _("withdrawn"), _("withdrawal"))),
    ]
    list_select_related = ["watch__stream__agreement__customer"]
    ordering = ["-id"]
    narrowed_by = ["watch"]
    short = ["id", "state", "valid_from", "valid_to", "withdrawn_at"]
    moments = ["prepared_at", "approved_at", ("refused_at", ""), ("withdrawn_at", "")]
    empty = _("No watch on a person with protected identity has been released.")
    refusals = REFUSALS
    view_fields = [
        "watch_link",
        "customer_link",
        "stream_link",
        "benefit_label",
        "valid_from",
        "valid_to",
        "reason",
        "automatic",
        "withdrawn_at",
        "refused_at",
    ]

    watch_link = link("watch", _("watch"))
    stream_link = link("watch.stream", _("stream"))
    customer_link = link("watch.stream.agreement.customer", _("customer"))

    @admin.display(description=_("state"), ordering="approved_at")
    def state(self, obj: Any) -> Any:
        if obj.refused_at:
            return badge(_("refused"), ERROR)
        return badge(_("withdrawn")) if obj.withdrawn_at else super().state(obj)

    @admin.display(description=_("valid to"), ordering="valid_to")
    def last_day(self, obj: ProtectedRelease) -> str:
        """Soon over, or over: the customer is told nothing more after it."""
        return due(obj.valid_to, on=timezone.localdate(), soon=14) if obj.withdrawn_at is None else EMPTY

    @admin.display(description=_("benefit"))
    def benefit_label(self, obj: ProtectedRelease) -> str:
        return benefit_name(obj.watch.benefit)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("protected/", view(self.queue_view), name="subscriptions_protected_queue"),
            path(
                "<path:object_id>/withdraw/", view(self.withdraw_view), name="subscriptions_protectedrelease_withdraw"
            ),
            *super().get_urls(),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return protection.may_see(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Also withdraws what is in force: that one may undo what one may propose."""
        return request.user.has_perm(protection.RIGHT)  # type: ignore[union-attr]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        ends = timezone.localdate() + timedelta(days=protection.USUAL)
        return {"valid_to": ends, **super().get_changeform_initial_data(request)}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Which watch it is about is chosen in the queue."""
        if request.method == "GET" and "watch" not in request.GET:
            words = _("Choose a watch in the list of what waits, and propose its release from there.")
            queue = reverse("admin:subscriptions_protected_queue")
            messages.warning(request, format_html('<a href="{}">{}</a>', queue, words))
        return super().add_view(request, form_url, {"show_save_and_add_another": False, **(extra_context or {})})

    def queue_view(self, request: HttpRequest) -> HttpResponse:
        """What waits for a decision, the overdue first. That somebody has looked is logged."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        now = timezone.now()
        page = QueuePaginator(timezone.localdate(now), now).get_page(request.GET.get("page"))
        record(action=Action.READ, object_type=QUEUE, actor=request.user, page=page.number, watches=len(page))
        policies = dict(LegalBasis.Protection.choices)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Persons with protected identity"),
            "page": page,
            "rows": [(one, policies.get(one.policy, "")) for one in page],  # type: ignore[attr-defined]
            "reads": f"{reverse('admin:audit_auditevent_changelist')}?{urlencode({'object_type': QUEUE})}",
        }
        return TemplateResponse(request, "admin/subscriptions/protectedrelease/queue.html", context)

    def propose_row(self, request: HttpRequest, obj: ProtectedRelease) -> None:
        made = protection.propose_release(
            watch=obj.watch, reason=obj.reason, valid_to=obj.valid_to, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk

    def approve_row(self, request: HttpRequest, obj: ProtectedRelease, reason: str) -> None:
        protection.approve_release(release=obj, by=request.user, at=timezone.now(), reason=reason)

    def drop_row(self, request: HttpRequest, obj: ProtectedRelease, reason: str) -> None:
        protection.refuse_release(release=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: ProtectedRelease) -> list[Consequence]:
        """What the customer would be told, and what it never is."""
        decision = protection.would_tell(obj.watch, day=timezone.localdate())
        told = [[class_names([name])] for name in sorted(decision.classes)]
        never = [[class_names([name])] for name in sorted(NEVER_OF_PROTECTED)]
        return [
            Consequence(title=_("Field classes that would be told"), rows=told),
            Consequence(title=_("Never told of a person with protected identity"), rows=never),
        ]

    def steps_of(self, request: HttpRequest, obj: ProtectedRelease) -> list[tuple[str, Any]]:
        if obj.refused_at:
            return []
        standing = obj.in_effect and obj.withdrawn_at is None and self.has_add_permission(request)
        return [*super().steps_of(request, obj), *([("withdraw", _("Withdraw"))] if standing else [])]

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Withdraw a release at once, with a reason."""
        release = self.found(request, object_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        step = Step(
            title=_("Withdraw a release"),
            button=_("Withdraw"),
            done=_("The release was withdrawn. The watch is frozen again."),
            act=lambda said: protection.withdraw_release(
                release=release, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, release, step)
