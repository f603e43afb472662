"""Applications for a connection, as the connection officer's worklist, and what customers have been told."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name
from lefi.admin import Consequence, IsSetFilter, ReadOnlyAdmin, ReasonForm, Step, link
from subscriptions import connections, notices
from subscriptions.admin.fields import kind_name
from subscriptions.labels import basis_title
from subscriptions.models import Connection, LegalBasis, Notice


class AcceptForm(ReasonForm):
    """Under what code the agreement is to be known."""

    reason = None  # type: ignore[assignment]
    code = forms.CharField(
        label=_("Code of the agreement"),
        max_length=40,
        help_text=_("Letters, digits, dots and dashes, such as AVTAL-2026-17. It stands in mails and addresses."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Those that wait come first, the newest on top. Each is accepted or refused on a page of its own."""

    change_form_template = "admin/steps.html"
    list_display = ["name", "status", "submitted_at", "kind_label", "organisation_number", "unit", "persons"]
    list_filter = ["status", "channel", "submitted_at"]
    search_fields = ["name", "organisation_number", "unit"]
    fields = [
        "status",
        "checks",
        "name",
        "organisation_number",
        "unit",
        "kind_label",
        "applied_for",
        "channel",
        "look_back_days",
        "persons",
        "message",
        "signatory",
        "contact",
        "technical_contact",
        "agent",
        "submitted_at",
        "submitted_by",
        "examined_at",
        "examined_by",
        "refusal",
        "agreement_link",
    ]
    readonly_fields = ["submitted_at", "status", "examined_at", "examined_by", "refusal", "submitted_by"]

    agreement_link = link("agreement", _("agreement"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

    def get_ordering(self, request: HttpRequest) -> Any:
        waits = Case(When(status=Connection.Status.NOTIFIED, then=Value(0)), default=Value(1))
        return [waits.asc(), "-submitted_at"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/accept/", view(self.accept_view), name="subscriptions_connection_accept"),
            path("<path:object_id>/refuse/", view(self.refuse_view), name="subscriptions_connection_refuse"),
            *super().get_urls(),
        ]

    def has_examine_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscriptions.change_connection")  # type: ignore[union-attr]

    def steps_of(self, request: HttpRequest, obj: Connection) -> list[tuple[str, Any]]:
        if obj.status != Connection.Status.NOTIFIED or not self.has_examine_permission(request):
            return []
        return [("accept", _("Accept")), ("refuse", _("Refuse"))]

    def accept_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Accept an application: its customer and agreement are made."""
        connection = self._to_examine(request, object_id)
        step = Step(
            title=_("Accept an application"),
            button=_("Accept and make the agreement"),
            done=_("The application was accepted. Read the agreement, and send it to the customer."),
            act=lambda said: connections.accept_connection(
                connection=connection, by=request.user, at=timezone.now(), code=said["code"]
            ),
            form=AcceptForm,
            consequences=lambda: [_what_is_made(connection)],
        )
        return self.take(request, connection, step)

    def refuse_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Refuse an application, with the reason that its contact is told."""
        connection = self._to_examine(request, object_id)
        step = Step(
            title=_("Refuse an application"),
            button=_("Refuse"),
            done=_("The application was refused, and its contact is told why."),
            act=lambda said: connections.refuse_connection(
                connection=connection, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, connection, step)

    def _to_examine(self, request: HttpRequest, object_id: str) -> Connection:
        connection: Connection = self.found(request, object_id)
        if not self.has_examine_permission(request):
            raise PermissionDenied
        return connection

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, obj: Connection) -> str:
        return kind_name(obj.kind)

    @admin.display(description=_("machine checks"))
    def checks(self, obj: Connection) -> str:
        """What is looked into by machine, while the application waits."""
        if obj.status != Connection.Status.NOTIFIED:
            return "-"
        found = ((_("Good") if check.ok else _("Look at this"), check.sentence) for check in connections.examine(obj))
        return _list(format_html_join("", "<li><strong>{}:</strong> {}</li>", found))

    @admin.display(description=_("what is applied for"))
    def applied_for(self, obj: Connection) -> str:
        codes = [part["basis"] for part in obj.parts]
        bases = {basis.code: basis for basis in LegalBasis.objects.newest().filter(code__in=codes)}
        rows = (
            (code, basis_title(bases[code]) if code in bases else "", ", ".join(map(benefit_name, part["benefits"])))
            for code, part in zip(codes, obj.parts, strict=True)
        )
        return _list(format_html_join("", "<li><strong>{}</strong> {}: {}</li>", rows))

    @admin.display(description=_("signatory"))
    def signatory(self, obj: Connection) -> str:
        return _person(obj.signatory_name, obj.signatory_email)

    @admin.display(description=_("contact"))
    def contact(self, obj: Connection) -> str:
        return _person(obj.contact_name, obj.contact_email, obj.contact_phone)

    @admin.display(description=_("technical contact"))
    def technical_contact(self, obj: Connection) -> str:
        return _person(obj.technical_name, obj.technical_email)

    @admin.display(description=_("agent"))
    def agent(self, obj: Connection) -> str:
        return _person(obj.agent_name, obj.agent_organisation_number)


def _person(*parts: str) -> str:
    return ", ".join(filter(None, parts)) or "-"


def _list(items: str) -> str:
    return format_html('<ul class="checks">{}</ul>', items)


def _what_is_made(connection: Connection) -> Consequence:
    return Consequence(
        _("What is made"),
        [
            [_("Customer"), connection.name],
            [_("Agreement"), _("with a proposed scope for each legal basis; nothing is told before it is active")],
            [_("Second person"), _("another than you approves it, once both parties have signed")],
        ],
    )


class SubjectFilter(admin.SimpleListFilter):
    """What notices are about, by their subject; the agreement's code is left open."""

    title = _("subject")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(code, str(words.subject) % {"agreement": "…"}) for code, words in notices.WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(code=self.value()) if self.value() else queryset


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What customers and applicants have been told: in the portal, and by mail."""

    list_display = ["id", "at", "subject", "customer_link", "connection_link", "mailed_at"]
    list_filter = [SubjectFilter, ("mailed_at", IsSetFilter)]
    list_select_related = ["customer", "connection"]
    ordering = ["-id"]
    narrowed_by = ["customer"]
    fields = ["at", "subject", "body", "customer_link", "connection_link", "mailed_at"]
    readonly_fields = ["subject", "body", "customer_link", "connection_link"]

    customer_link = link("customer", _("customer"))
    connection_link = link("connection", _("connection"))

    @admin.display(description=_("subject"))
    def subject(self, obj: Notice) -> str:
        return notices.subject(obj)

    @admin.display(description=_("text"))
    def body(self, obj: Notice) -> str:
        return notices.body(obj)
