"""Applications for a connection, as the connection officer's worklist, and what customers have been told."""

from collections import defaultdict
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, OuterRef, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import linebreaksbr
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from benefits.labels import benefit_name
from benefits.presentation import organisation
from lefi.admin import Consequence, ReadOnlyAdmin, ReasonForm, Step, link
from lefi.admin.columns import EMPTY, ERROR, SUCCESS, WARNING, ago, badge, state
from lefi.admin.filters import DaysFilter, whether
from subscriptions import connections, notices
from subscriptions.admin.fields import kind_label, number_label
from subscriptions.connections import messages
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


class MessageForm(ReasonForm):
    """What the applicant is written."""

    reason = None  # type: ignore[assignment]
    text = forms.CharField(
        label=_("Message"),
        max_length=messages.LONGEST,
        help_text=_("The applicant reads it on the page of the application, and is told by mail that it is there."),
        widget=forms.Textarea(attrs={"class": "vLargeTextField", "rows": 6}),
    )


class AwaitsAnswerFilter(admin.SimpleListFilter):
    """Applications whose newest message is the applicant's."""

    title = _("messages")
    parameter_name = "awaits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("answer", _("awaits an answer"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.awaiting_answer() if self.value() == "answer" else queryset  # type: ignore[attr-defined]


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Those that wait come first, the newest on top. Each is accepted or refused on a page of its own."""

    few = True
    list_display = [
        "name",
        "status_badge",
        "submitted_at",
        "waited",
        "kind_label",
        "number_label",
        "unit",
        "bases",
        "persons",
        "awaits_answer",
    ]
    list_filter = ["status", AwaitsAnswerFilter, "channel", ("submitted_at", DaysFilter)]
    sortable_by = ["name", "status_badge", "submitted_at", "persons"]
    search_fields = ["name", "^organisation_number", "unit", "contact_name"]
    search_help_text = _("Name, unit code, contact, or organisation number.")
    empty = _("Nobody has applied yet.")
    moments = ["submitted_at", "examined_at"]
    leads_to = [("subscriptions.Notice", "connection", "pk")]
    refusals = messages.REFUSALS
    fields = [
        "status_badge",
        "checks",
        "name",
        "number_label",
        "unit",
        "kind_label",
        "applied_for",
        "channel",
        "look_back_days",
        "persons",
        "message",
        "annexes_named",
        "talk",
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

    agreement_link = link("agreement", _("agreement"))
    number_label = number_label
    kind_label = kind_label
    status_badge = state(
        "status",
        _("status"),
        {
            Connection.Status.NOTIFIED: WARNING,
            Connection.Status.ACCEPTED: SUCCESS,
            Connection.Status.REFUSED: ERROR,
        },
    )

    def get_ordering(self, request: HttpRequest) -> Any:
        waits = Case(When(status=Connection.Status.NOTIFIED, then=Value(0)), default=Value(1))
        return [waits.asc(), "-submitted_at"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/accept/", view(self.accept_view), name="subscriptions_connection_accept"),
            path("<path:object_id>/refuse/", view(self.refuse_view), name="subscriptions_connection_refuse"),
            path("<path:object_id>/message/", view(self.message_view), name="subscriptions_connection_message"),
            *super().get_urls(),
        ]

    def has_examine_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def steps_of(self, request: HttpRequest, obj: Connection) -> list[tuple[str, Any]]:
        if not self.has_examine_permission(request):
            return []
        examine = Connection.objects.to_examine(request.user).filter(pk=obj.pk).exists()
        steps = [("accept", _("Accept")), ("refuse", _("Refuse"))] if examine else []
        return [*steps, ("message", _("Write to the applicant"))] if connections.may_write(obj) else steps

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

    def message_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Write to the applicant, or answer."""
        connection = self._to_examine(request, object_id)
        step = Step(
            title=_("Write to the applicant"),
            button=_("Send"),
            done=_("The message has been sent."),
            act=lambda said: connections.answer_applicant(
                connection=connection, text=said["text"], by=request.user, at=timezone.now()
            ),
            refusal="" if connections.may_write(connection) else messages.REFUSALS["CLOSED"],
            form=MessageForm,
        )
        return self.take(request, connection, step)

    def _to_examine(self, request: HttpRequest, object_id: str) -> Connection:
        connection: Connection = self.found(request, object_id)
        if not self.has_examine_permission(request):
            raise PermissionDenied
        return connection

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """With whether the newest message is the applicant's."""
        awaiting = Connection.objects.awaiting_answer().filter(pk=OuterRef("pk"))
        return super().get_queryset(request).select_related("agreement").annotate(awaits=Exists(awaiting))

    @admin.display(description=_("awaits an answer"))
    def awaits_answer(self, obj: Any) -> str:
        return badge(_("awaits an answer"), WARNING) if obj.awaits else EMPTY

    @admin.display(description=_("has waited"))
    def waited(self, obj: Connection) -> str:
        return ago(obj.submitted_at) if obj.status == Connection.Status.NOTIFIED else EMPTY

    @admin.display(description=_("legal bases"))
    def bases(self, obj: Connection) -> str:
        return ", ".join(part["basis"] for part in obj.parts) or EMPTY

    @admin.display(description=_("annexes"))
    def annexes_named(self, obj: Connection) -> str:
        """The documents that go with the application, with the applicant's reference to each."""
        needed = connections.annexes_needed(obj)
        rows = ((one.label, obj.annexes.get(one) or _("to be sent in")) for one in needed)
        return _list(format_html_join("", "<li><strong>{}:</strong> {}</li>", rows))

    @admin.display(description=_("messages"))
    def talk(self, obj: Connection) -> str:
        said = (
            (date_format(timezone.localtime(one.at), "DATETIME_FORMAT"), one.by or obj.name, linebreaksbr(one.text))
            for one in obj.messages.select_related("by")
        )
        return (
            _list(format_html_join("", '<li><strong>{} {}:</strong> <span translate="no">{}</span></li>', said))
            if obj.messages.exists()
            else EMPTY
        )

    @admin.display(description=_("machine checks"))
    def checks(self, obj: Connection) -> str:
        """What is looked into by machine, while the application waits."""
        if obj.status != Connection.Status.NOTIFIED:
            return EMPTY
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
        return _person(obj.agent_name, organisation(obj.agent_organisation_number))


def _person(*parts: str) -> str:
    return ", ".join(filter(None, parts)) or EMPTY


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
    """What notices are about, by their subject, whose details are left open."""

    title = _("subject")
    parameter_name = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        unsaid = defaultdict[str, str](lambda: "…")
        return [(code, str(words.subject) % unsaid) for code, words in notices.WORDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(code=self.value()) if self.value() else queryset


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What customers and applicants have been told: in the portal, and by mail."""

    list_display = ["at", "subject", "customer_link", "connection_link", "mailed_at"]
    list_filter = [
        ("at", DaysFilter),
        ("mailed_at", whether(_("not mailed"), _("mailed"), _("mail"))),
        SubjectFilter,
    ]
    list_select_related = ["customer", "connection"]
    ordering = ["-at", "-id"]
    sortable_by = ["at"]
    search_fields = ["customer__name"]
    search_help_text = _("The customer's name.")
    narrowed_by = ["customer", "connection"]
    short = ["at", "subject", "mailed_at"]
    empty = _("Nobody has been told anything yet.")
    fields = ["at", "subject", "body", "customer_link", "connection_link", "mailed_at"]

    customer_link = link("customer", _("customer"))
    connection_link = link("connection", _("connection"))

    def title_of(self, row: Any) -> str:
        return notices.subject(row)

    @admin.display(description=_("subject"))
    def subject(self, obj: Notice) -> str:
        return notices.subject(obj)

    @admin.display(description=_("text"))
    def body(self, obj: Notice) -> str:
        return notices.body(obj)
