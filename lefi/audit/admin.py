"""The log of what people did, to read only; and what was unusual in the reads of each month, to be signed off."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, Exists, F, OuterRef, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from lefi.admin import Consequence, ReadOnlyAdmin, ReasonForm, Step, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, WARNING, amount, amounts, badge, state
from lefi.admin.filters import DaysFilter, one_of
from lefi.audit.followup import next_month, sign_off
from lefi.audit.models import OTHER_OBJECTS, Action, AuditEvent, Finding, FollowUp
from lefi.audit.staffwork import WORK
from lefi.audit.words import details_of, reason_of
from lefi.staffwork import register

PERSON = "benefits.person"
TONES = {
    Action.APPROVE: SUCCESS,
    Action.SIGN: SUCCESS,
    Action.READ: INFO,
    Action.SEARCH: INFO,
    Action.REFUSE: ERROR,
    Action.DELETE: ERROR,
    Action.WITHDRAW: ERROR,
}


def _kinds() -> Iterator[tuple[str, Any]]:
    """The kinds of object that have a page here, by name, and what else the log is kept of."""
    pages = [(model._meta.label_lower, capfirst(str(model._meta.verbose_name))) for model in admin.site._registry]
    yield from sorted([*pages, *OTHER_OBJECTS.items()], key=lambda kind: str(kind[1]))


class AboutPersons(ReadOnlyAdmin):
    """Rows that may be about a person, who is not named on them; the way there is for those who may open persons."""

    def get_queryset(self, request: HttpRequest) -> Any:
        opens = request.user.has_perm("benefits.view_person")  # type: ignore[union-attr]
        return super().get_queryset(request).annotate(opens_persons=Value(opens))

    @admin.display(description=_("person"))
    def person_link(self, obj: Any) -> str:
        if obj.person_id is None:
            return EMPTY
        if not obj.opens_persons:
            return gettext("about a person")
        page = reverse("admin:benefits_person_change", args=[obj.person_id])
        return format_html('<a href="{}">{}</a>', page, _("about a person"))


@admin.register(AuditEvent)
class AuditEventAdmin(AboutPersons):
    list_display = ["at", "who", "action_badge", "object_link", "person_link", "why"]
    list_filter = [("at", DaysFilter), "action", one_of("object_type", _("kind of object"), _kinds)]
    list_select_related = ["actor"]
    ordering = ["-at", "-id"]
    sortable_by = ["at"]
    search_fields = ["actor__username", "actor__first_name", "actor__last_name", "=client"]
    search_help_text = _("The name of who did it, or the id of a system.")
    narrowed_by = ["person_id", "actor", "object_type", "object_id"]
    short = ["at", "action_badge", "object_link", "why"]
    fields = ["at", "who", "action_badge", "object_link", "person_link", "why", "details_text"]

    action_badge = state("action", _("action"), TONES)

    @admin.display(description=_("who"))
    def who(self, obj: AuditEvent) -> str:
        return obj.by

    @admin.display(description=_("object"))
    def object_link(self, obj: AuditEvent) -> str:
        """What it was done to, by its kind and number; a link, though the row may be gone."""
        words = f"{capfirst(obj.object_name)} {obj.object_id}".strip()
        if obj.object_model not in self.admin_site._registry or not obj.object_id:
            return words
        if obj.object_type == PERSON and not obj.opens_persons:  # type: ignore[attr-defined]
            return words
        name = f"admin:{obj.object_type.replace('.', '_')}_change"
        return format_html('<a href="{}">{}</a>', reverse(name, args=[obj.object_id]), words)

    @admin.display(description=_("reason"))
    def why(self, obj: AuditEvent) -> str:
        return reason_of(obj) or EMPTY

    @admin.display(description=_("details"))
    def details_text(self, obj: AuditEvent) -> str:
        return format_html_join("; ", "{}: {}", details_of(obj)) or EMPTY


REFUSALS = {
    "SIGNED": _("You have signed this month already."),
    "OWN_READING": _("All that was found is your own reading: another must look at it."),
    "ALTERED": _("The findings are not those that were found. Tell whoever is responsible for security."),
    "REASON_MISSING": _("A reason is needed."),
    "REASON_TOO_LONG": _("The reason is too long."),
    "REASON_NAMES_A_PERSON": _("Leave out the identity number: the reason is kept in the log."),
}


THRESHOLDS = {
    "many_persons": _("persons in a day"),
    "many_times": _("times the reader's own usual day"),
    "usual_days": _("days before the month that say what is usual"),
    "usual_least_days": _("days with reads, at least, that say what is usual"),
    "night_from": _("the hour at which the night begins"),
    "night_to": _("the hour at which the night ends"),
    "odd_persons": _("persons at night or at the weekend"),
    "same_days": _("days with the same person"),
    "misses": _("searches without a hit"),
    "protected_persons": _("persons with protected identity"),
    "unwatched_persons": _("persons whom nobody watches"),
    "others_persons": _("persons whom only colleagues watch"),
    "numbers": _("identity numbers shown"),
    "file_lines": _("lines in a day's files"),
}


# What the rules count that count no reads.
COUNTED: dict[str, Action] = {Finding.Rule.MISSES: Action.SEARCH, Finding.Rule.FILES: Action.FETCH}
READS = [rule for rule in Finding.Rule if rule not in COUNTED]


def _of_rules(*rules: str) -> Case:
    """How much was found, where it is one of these rules that found it; the others come before it."""
    return Case(When(rule__in=rules, then=F("persons")), default=Value(-1))


class RemarksForm(ReasonForm):
    """What whoever signs has seen, asked about and done."""

    reason = forms.CharField(
        label=_("Remarks"),
        max_length=300,
        min_length=5,
        help_text=_("What you have looked at, asked about and done, in short. Write no identity number here."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


@admin.register(FollowUp)
class FollowUpAdmin(ReadOnlyAdmin):
    """A month of reads that is over: what the rules found, and who has signed it off."""

    list_display = ["__str__", "standing", "findings", "signed_by", "last_day", "found_at"]
    ordering = ["-month"]
    sortable_by = ["last_day"]
    list_per_page = 36
    leads_to = [("audit.Finding", "followup", "pk")]
    fields = ["standing", "last_day", "by_rule", "signed", "found_at", "limits", "digest"]
    technical = ["found_at", "limits", "digest"]
    readonly_fields = ["standing", "last_day", "by_rule", "signed", "limits"]
    moments = ["found_at"]
    refusals = REFUSALS

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        unsigned = FollowUp.objects.unsigned().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).prefetch_related("signatures__by").annotate(waits=Exists(unsigned))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.sign_view)
        return [path("<path:object_id>/sign/", view, name="audit_followup_sign"), *super().get_urls()]

    def has_sign_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("audit.add_signoff")  # type: ignore[union-attr]

    def steps_of(self, request: HttpRequest, obj: FollowUp) -> list[tuple[str, Any]]:
        waits = self.has_sign_permission(request) and FollowUp.objects.to_sign(request.user).filter(pk=obj.pk).exists()
        return [("sign", _("Sign off"))] if waits else []

    def sign_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Sign off what was found in a month, with remarks; what is about the own reading is left to another."""
        obj: FollowUp = self.found(request, object_id)
        if not self.has_sign_permission(request):
            raise PermissionDenied
        own = obj.found.filter(reader=request.user).count()  # type: ignore[misc]
        rows = [[_("Findings"), obj.findings], [_("Of them about your own reading, left to another"), own]]
        step = Step(
            title=_("Sign off a month of reads"),
            button=_("Sign off"),
            done=_("It is signed off. Your own reading waits for another.") if own else _("It is signed off."),
            form=RemarksForm,
            act=lambda said: sign_off(followup=obj, remarks=said["reason"], by=request.user, at=timezone.now()),
            consequences=lambda: [Consequence(_("What you sign"), rows)],
        )
        return self.take(request, obj, step)

    @admin.display(description=_("state"))
    def standing(self, obj: Any) -> Any:
        if not obj.waits:
            return badge(_("signed off"), SUCCESS)
        return badge(_("overdue"), ERROR) if obj.due_at < timezone.now() else badge(_("to sign off"), WARNING)

    @admin.display(description=_("to be signed by"), ordering="due_at")
    def last_day(self, obj: FollowUp) -> date:
        """The last day on which it is in time."""
        return timezone.localdate(obj.due_at - timedelta(seconds=1))

    @admin.display(description=_("signed by"))
    def signed_by(self, obj: FollowUp) -> str:
        return ", ".join(str(one.by) for one in obj.signatures.all()) or EMPTY

    @admin.display(description=_("signed off"))
    def signed(self, obj: FollowUp) -> str:
        """Who has signed what, when, and with which remarks."""
        rows = (
            (one.by, date_format(timezone.localtime(one.at), "Y-m-d H:i"), one.findings, one.remarks)
            for one in obj.signatures.all()
        )
        return format_html_join("", "<div>{}, {} ({}): {}</div>", rows) or EMPTY

    @admin.display(description=_("what was found"))
    def by_rule(self, obj: FollowUp) -> str:
        """How much each rule found, with a link to it."""
        counts = dict(obj.found.order_by().values_list("rule").annotate(Count("pk")))
        page = reverse("admin:audit_finding_changelist")
        rows = (
            (f"{page}?{urlencode({'followup': obj.pk, 'rule__exact': rule})}", Finding.Rule(rule).label, count)
            for rule, count in counts.items()
        )
        items = format_html_join("", '<li><a href="{}">{}</a>: {}</li>', rows)
        return format_html('<ul class="checks">{}</ul>', items) if items else gettext("Nothing unusual.")

    @admin.display(description=_("thresholds"))
    def limits(self, obj: FollowUp) -> str:
        words = [(str(THRESHOLDS.get(name, name)), value) for name, value in obj.thresholds.items()]
        items = format_html_join("", "<li>{}: {}</li>", sorted(words))
        return format_html('<ul class="checks">{}</ul>', items)


@admin.register(Finding)
class FindingAdmin(AboutPersons):
    """Who read what that is unusual, with the way to the rows of the log that it was found in."""

    list_display = ["rule", "reader", "day", "persons_read", "lines_taken", "times", "usual", "followup", "log_link"]
    list_filter = ["rule"]
    list_select_related = ["followup", "reader"]
    ordering = ["-id"]
    sortable_by = ["persons_read", "lines_taken", "times"]
    search_fields = ["reader__username", "reader__first_name", "reader__last_name"]
    narrowed_by = ["followup", "reader"]
    short = ["rule", "reader", "day", "persons_read", "lines_taken", "times", "log_link"]
    counts: dict[str, list[str]] = {
        Finding.Rule.FILES: ["lines_taken", "files_taken"],
        Finding.Rule.MISSES: ["searches"],
    }

    followup_link = link("followup", _("follow-up of reads"))
    files_taken = amount("reads", _("files"))
    searches = amount("reads", _("searches"))
    times = amount("reads", _("reads, searches or files"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What a rule counts, by what it is: most count reads of persons."""
        counted = self.counts.get(obj.rule if obj else "", ["persons", "reads", "usual"])
        return ["followup_link", "rule", "reader", "day", "person_link", *counted, "log_link"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)

    @amounts(_("persons"), ordering=_of_rules(*READS))
    def persons_read(self, obj: Finding) -> int | None:
        return obj.persons if obj.rule in READS else None

    @amounts(_("lines in files"), ordering=_of_rules(Finding.Rule.FILES))
    def lines_taken(self, obj: Finding) -> int | None:
        return obj.persons if obj.rule == Finding.Rule.FILES else None

    @admin.display(description=_("in the log"))
    def log_link(self, obj: Finding) -> str:
        """The log, narrowed to what the reader read on the day or in the month, and about the person."""
        first = obj.day or obj.followup.month
        last = obj.day or next_month(first) - timedelta(days=1)
        looked_for = COUNTED.get(obj.rule, Action.READ)
        asked: dict[str, Any] = {"actor": obj.reader_id, "action__exact": looked_for, "at__from": first, "at__to": last}  # type: ignore[attr-defined]
        asked |= {"person_id": obj.person_id} if obj.person_id is not None else {}
        page = reverse("admin:audit_auditevent_changelist")
        return format_html('<a href="{}?{}">{}</a>', page, urlencode(asked), _("Log rows"))


register(*WORK)
