"""Agreements: read here, and taken from step to step on pages of their own."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from lefi.admin import Consequence, ReadOnlyAdmin, ReasonForm, Step, anchor, link
from lefi.admin.columns import EMPTY, ERROR, INFO, SUCCESS, WARNING, ago, amounts, state
from lefi.errors import Refused
from subscriptions import agreementtext, connections
from subscriptions.admin.fields import (
    benefit_names,
    customer_filter,
    purpose_name,
)
from subscriptions.admin.people import approval_form, approve
from subscriptions.admin.scopes import difference
from subscriptions.models import Agreement, Connection, Scope, Watch
from subscriptions.scopes import (
    in_force_for,
)

Status = Agreement.Status


class ConfirmForm(ReasonForm):
    """A step that needs no reason."""

    reason = None  # type: ignore[assignment]


class SignForm(ReasonForm):
    """A signature for Försäkringskassan, on the document that was read."""

    reason = None  # type: ignore[assignment]
    document_sha256 = forms.CharField(widget=forms.HiddenInput, max_length=64)
    signatory = forms.CharField(
        label=_("Who signs for Försäkringskassan"),
        max_length=120,
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "name"}),
    )
    may_sign = forms.BooleanField(label=_("The agreement has been read, and is signed as it stands above."))


class EndForm(ReasonForm):
    """The day after which an agreement is over, and why."""

    on = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("Empty: at once."),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
    )
    field_order = ["on", "reason"]


@admin.register(Agreement)
class AgreementAdmin(ReadOnlyAdmin):
    """Made when an application is accepted. Nothing of it is changed but by its steps."""

    few = True
    list_display = [
        "code",
        "customer_link",
        "status_badge",
        "since",
        "valid_from",
        "valid_to",
        "number_of_streams",
        "prepared_by",
        "approved_by",
    ]
    list_filter = ["status", customer_filter("customer")]
    ordering = ["code"]  # what the model says is lost where rows are counted
    list_select_related = ["customer", "prepared_by", "approved_by"]
    sortable_by = ["code", "customer_link", "status_badge", "valid_from", "valid_to", "number_of_streams"]
    search_fields = ["code", "customer__name", "customer__organisation_number"]
    search_help_text = _("The agreement's code, or the customer's name or organisation number.")
    short = ["code", "status_badge", "valid_from", "valid_to", "number_of_streams"]
    empty = _("No agreement yet. One is made when an application is accepted.")
    narrowed_by = ["customer"]
    refusals = {"SAME_PERSON": _("What one person prepared, another must approve.")}
    fields = [
        "code",
        "customer_link",
        "status_badge",
        "since",
        "valid_from",
        "valid_to",
        "coverage",
        "document_links",
        "application",
        "prepared_by",
        "customer_signatory",
        "fk_signatory",
        "approved_by",
        "ended_why",
        "digest",
        "customer_signature",
        "fk_signature",
    ]
    technical = ["digest", "customer_signature", "fk_signature"]
    moments = [
        "prepared_at",
        ("sent_at", ""),
        ("signed_by_customer_at", "customer_signatory"),
        ("signed_by_fk_at", "fk_signatory"),
        "approved_at",
    ]
    leads_to = [
        ("subscriptions.Scope", "agreement", "pk"),
        ("subscriptions.Stream", "agreement", "pk"),
        ("subscriptions.Order", "stream__agreement", "pk"),
        ("deliveries.Delivery", "stream__agreement", "pk"),
        ("subscriptions.Watch", "stream__agreement", "pk"),
        ("subscriptions.Reservation", "agreement", "pk"),
        ("subscriptions.Block", "agreement", "pk"),
    ]

    customer_link = link("customer", _("customer"))
    status_badge = state(
        "status",
        _("status"),
        {
            Status.EXAMINED: WARNING,
            Status.SENT: INFO,
            Status.SIGNED_BY_CUSTOMER: WARNING,
            Status.SIGNED_BY_FK: WARNING,
            Status.ACTIVE: SUCCESS,
            Status.REFUSED: ERROR,
        },
    )

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(streams_of_it=Count("streams"))

    def get_urls(self) -> list[Any]:
        names = ("send", "sign", "approve", "refuse", "end")
        return [
            path(
                f"<path:object_id>/{name}/",
                self.admin_site.admin_view(partial(self.step_view, name=name)),
                name=f"subscriptions_agreement_{name}",
            )
            for name in names
        ] + super().get_urls()

    @amounts(_("streams"), ordering="streams_of_it")
    def number_of_streams(self, obj) -> int:
        return obj.streams_of_it

    @admin.display(description=_("so since"))
    def since(self, obj: Agreement) -> str:
        """How long it has stood at its step, while it is on its way."""
        steps = {
            Status.EXAMINED: obj.prepared_at,
            Status.SENT: obj.sent_at,
            Status.SIGNED_BY_CUSTOMER: obj.signed_by_customer_at,
            Status.SIGNED_BY_FK: obj.signed_by_fk_at,
        }
        return ago(steps.get(Status(obj.status)))

    @admin.display(description=_("what it covers"))
    def coverage(self, obj: Agreement) -> str:
        """For each purpose the version that holds and the newest proposal after it."""
        rows = (
            (
                anchor(scope, f"{purpose_name(scope.purpose)} v{scope.version}"),
                _state(scope),
                benefit_names(scope.benefits),
            )
            for scope in _standing(obj)
        )
        items = format_html_join("", "<li><strong>{}</strong> ({}): {}</li>", rows)
        return format_html('<ul class="checks">{}</ul>', items) if items else EMPTY

    @admin.display(description=_("document"))
    def document_links(self, obj: Agreement) -> str:
        return format_html(
            '<a href="{}">{}</a> · <a href="{}">PDF</a>',
            reverse("portal:agreement-document", args=[obj.pk]),
            _("Read and print"),
            reverse("portal:agreement-pdf", args=[obj.pk]),
        )

    @admin.display(description=_("digest of the document (SHA-256)"))
    def digest(self, obj: Agreement) -> str:
        return obj.document_sha256 or EMPTY

    @admin.display(description=_("application for connection"))
    def application(self, obj: Agreement) -> str:
        return anchor(getattr(obj, "connection", None))

    def has_step_permission(self, request: HttpRequest, step: str) -> bool:
        """Who approves is one thing, who takes an agreement there another; either refuses."""
        rights = {"approve": ["approve"], "refuse": ["approve", "change"]}.get(step, ["change"])
        return any(self.may(request, verb) for verb in rights)

    def steps_of(self, request: HttpRequest, obj: Agreement) -> list[tuple[str, Any]]:
        before = ("refuse", _("Refuse"))
        applied = Connection.objects.filter(agreement=obj).applied_by(request.user).exists()
        own = applied or obj.prepared_by_id == request.user.pk
        steps = {
            Status.EXAMINED: [("send", _("Send to the customer")), before],
            Status.SENT: [("send", _("Send again")), before],
            Status.SIGNED_BY_CUSTOMER: [before] if applied else [("sign", _("Sign for Försäkringskassan")), before],
            Status.SIGNED_BY_FK: [before] if own else [("approve", _("Approve")), before],
            Status.ACTIVE: [("end", _("End"))],
        }
        return [one for one in steps.get(Status(obj.status), []) if self.has_step_permission(request, one[0])]

    def step_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Take an agreement to its next step, having shown what it says and who prepared it."""
        agreement: Agreement = self.found(request, object_id)
        if not self.has_step_permission(request, name):
            raise PermissionDenied
        steps = {
            "send": self._send,
            "sign": self._sign,
            "approve": self._approve,
            "refuse": self._refuse,
            "end": self._end,
        }
        return self.take(request, agreement, steps[name](request, agreement))

    def _send(self, request: HttpRequest, agreement: Agreement) -> Step:
        return Step(
            title=_("Send the agreement"),
            button=_("Send to the customer"),
            done=_("The agreement was sent. The customer signs it in the portal."),
            act=lambda said: connections.send_agreement(agreement=agreement, by=request.user, at=timezone.now()),
            form=ConfirmForm,
            consequences=lambda: _as_tables(agreementtext.document(agreement)),
        )

    def _sign(self, request: HttpRequest, agreement: Agreement) -> Step:
        return Step(
            title=_("Sign for Försäkringskassan"),
            button=_("Sign"),
            done=_("The agreement is signed by both parties. A second person approves it."),
            act=lambda said: connections.sign_for_fk(
                agreement=agreement,
                signatory=said["signatory"],
                document_sha256=said["document_sha256"],
                by=request.user,
                at=timezone.now(),
            ),
            form=partial(SignForm, initial={"document_sha256": agreement.document_sha256}),
            consequences=lambda: _as_tables(agreementtext.shown(agreement)),
        )

    def _approve(self, request: HttpRequest, agreement: Agreement) -> Step:
        own = agreement.prepared_by_id == request.user.pk
        return Step(
            title=_("Approve the agreement"),
            button=_("Approve"),
            done=_("The agreement is active, and the customer is told."),
            act=partial(approve, request, agreement),
            form=approval_form(request, agreement),
            refusal=self.words(Refused("SAME_PERSON")) if own else "",
            consequences=lambda: [
                *_changes(agreement),
                *_contacts(agreement),
                *_as_tables(agreementtext.shown(agreement)),
            ],
        )

    def _refuse(self, request: HttpRequest, agreement: Agreement) -> Step:
        return Step(
            title=_("Refuse the agreement"),
            button=_("Refuse"),
            done=_("The agreement was refused, and the customer is told why."),
            act=lambda said: connections.refuse_agreement(
                agreement=agreement, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )

    def _end(self, request: HttpRequest, agreement: Agreement) -> Step:
        return Step(
            title=_("End the agreement"),
            button=_("End"),
            done=_("The agreement ends, and the customer is told."),
            act=lambda said: connections.end_agreement(
                agreement=agreement, by=request.user, at=timezone.now(), on=said["on"], reason=said["reason"]
            ),
            form=EndForm,
            consequences=lambda: [_watches_under(agreement)],
        )


def _contacts(agreement: Agreement) -> list[Consequence]:
    """Whom the customer's notices are mailed to from the approval on, as the application says."""
    connection = Connection.objects.filter(agreement=agreement).first()
    people = connections.contacts_in(connection) if connection else []
    rows = [[one.get_role_display(), one.name, one.email] for one in people]
    return [Consequence(_("Contacts of the customer from now on"), rows)] if rows else []


def _standing(agreement: Agreement) -> list[Scope]:
    """For each purpose the newest version in effect, and the newest after it if that is a proposal."""
    versions = Scope.objects.filter(agreement=agreement).order_by("purpose", "version")
    kept: dict[str, list[Scope]] = {}
    for scope in versions:
        before = kept.get(scope.purpose, [])
        kept[scope.purpose] = [scope] if scope.in_effect else [*(one for one in before if one.in_effect), scope]
    return [scope for scopes in kept.values() for scope in scopes]


def _newest(agreement: Agreement) -> list[Scope]:
    """The newest version for each purpose, whether it holds or is proposed."""
    versions = Scope.objects.filter(agreement=agreement).order_by("purpose", "version")
    return list({scope.purpose: scope for scope in versions}.values())


def _state(scope: Scope) -> Any:
    return _("in effect") if scope.in_effect else _("proposed")


def _changes(agreement: Agreement) -> Iterator[Consequence]:
    """For each proposed scope, what it covers that was not covered before."""
    for scope in _newest(agreement):
        if not scope.in_effect:
            yield difference(scope, in_force_for(agreement, scope.purpose))


def _as_tables(document: agreementtext.AgreementDocument) -> list[Consequence]:
    """The agreement's text and annexes, as the page of a step shows them."""
    parties = [[party.role, f"{party.name}, {party.number}"] for party in document.parties]
    text = [[paragraph.heading, paragraph.text] for paragraph in document.paragraphs]
    return [
        Consequence(document.title, [*parties, *text]),
        *(Consequence(annex.title, annex.rows, columns=annex.headers) for annex in document.annexes),
    ]


def _watches_under(agreement: Agreement) -> Consequence:
    count = Watch.objects.open().filter(stream__agreement=agreement).count()
    return Consequence(_("What ends"), [[_("Open watches"), count]])
