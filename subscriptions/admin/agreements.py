"""Agreements and what they cover: read here, and taken from step to step on pages of their own; and their streams."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from lefi.admin import Consequence, FourEyesAdmin, ReadOnlyAdmin, ReasonForm, Step, VersionedAdmin, anchor, link
from lefi.errors import Refused
from subscriptions import agreementtext, connections
from subscriptions.admin.fields import (
    BasisField,
    BenefitsField,
    ClassesField,
    PurposeField,
    basis_link,
    benefit_names,
    class_names,
    purpose_name,
)
from subscriptions.models import Agreement, Connection, Scope, Stream, Watch
from subscriptions.scopes import (
    Difference,
    approve_scope,
    change_scope,
    in_force_for,
    open_stream,
    scope_difference,
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

    change_form_template = "admin/steps.html"
    list_display = ["code", "customer_link", "status", "valid_from", "valid_to", "number_of_streams", "prepared_by"]
    list_filter = ["status"]
    list_select_related = ["customer", "prepared_by"]
    search_fields = ["code", "customer__name"]
    narrowed_by = ["customer"]
    refusals = {"SAME_PERSON": _("What one person prepared, another must approve.")}
    fields = [
        "code",
        "customer_link",
        "status",
        "valid_from",
        "valid_to",
        "coverage",
        "document_links",
        "digest",
        "sent_at",
        "signed_by_customer_at",
        "customer_signatory",
        "customer_signature",
        "signed_by_fk_at",
        "fk_signatory",
        "fk_signature",
        "prepared_by",
        "prepared_at",
        "approved_by",
        "approved_at",
        "ended_why",
        "application",
        "see_also",
    ]
    leads_to = [
        ("subscriptions.Scope", "agreement", "pk"),
        ("subscriptions.Stream", "agreement", "pk"),
        ("subscriptions.Watch", "stream__agreement", "pk"),
        ("deliveries.Delivery", "stream__agreement", "pk"),
        ("subscriptions.Block", "agreement", "pk"),
    ]

    customer_link = link("customer", _("customer"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields

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

    @admin.display(description=_("streams"), ordering="streams_of_it")
    def number_of_streams(self, obj) -> int:
        return obj.streams_of_it

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
        return format_html('<ul class="checks">{}</ul>', items) if items else "-"

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
        return obj.document_sha256 or "-"

    @admin.display(description=_("application for connection"))
    def application(self, obj: Agreement) -> str:
        return anchor(getattr(obj, "connection", None))

    def has_step_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscriptions.change_agreement")  # type: ignore[union-attr]

    def steps_of(self, request: HttpRequest, obj: Agreement) -> list[tuple[str, Any]]:
        if not self.has_step_permission(request):
            return []
        before = ("refuse", _("Refuse"))
        own = obj.prepared_by_id == request.user.pk
        steps = {
            Status.EXAMINED: [("send", _("Send to the customer")), before],
            Status.SENT: [("send", _("Send again")), before],
            Status.SIGNED_BY_CUSTOMER: [("sign", _("Sign for Försäkringskassan")), before],
            Status.SIGNED_BY_FK: [before] if own else [("approve", _("Approve")), before],
            Status.ACTIVE: [("end", _("End"))],
        }
        return steps.get(Status(obj.status), [])

    def step_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Take an agreement to its next step, having shown what it says and who prepared it."""
        agreement: Agreement = self.found(request, object_id)
        if not self.has_step_permission(request):
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
            act=lambda said: connections.approve_agreement(
                agreement=agreement, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
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
            yield _difference(scope, in_force_for(agreement, scope.purpose))


def _difference(scope: Scope, old: Scope | None) -> Consequence:
    change = scope_difference(old, scope)
    title = _("What it changes: %(purpose)s") % {"purpose": purpose_name(scope.purpose)}
    return Consequence(title, list(_rows(change)), columns=[_("What"), _("Falls away"), _("Is added")])


def _rows(change: Difference) -> Iterator[list[Any]]:
    if change.basis[0] != change.basis[1]:
        yield [_("legal basis"), change.basis[0] or "-", change.basis[1]]
    if change.benefits_gained or change.benefits_lost:
        yield [_("benefits"), benefit_names(change.benefits_lost), benefit_names(change.benefits_gained)]
    if change.classes_gained or change.classes_lost:
        yield [_("field classes"), class_names(change.classes_lost), class_names(change.classes_gained)]
    before, after = change.look_back
    if before != after:
        yield [_("longest look-back in days"), "-" if before is None else before, after]


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


class ScopeForm(forms.ModelForm):
    basis_code = BasisField()
    purpose = PurposeField()
    benefits = BenefitsField()
    classes = ClassesField()

    class Meta:
        model = Scope
        fields = ["agreement", "basis_code", "purpose", "benefits", "classes", "look_back_days"]


@admin.register(Scope)
class ScopeAdmin(FourEyesAdmin):
    """Versions. One that only narrows holds at once; any other is proposed, and approved by a second person."""

    form = ScopeForm
    list_display = ["__str__", "agreement_link", "purpose_label", "version", "basis_code", "benefit_labels"]
    list_select_related = ["agreement"]
    list_filter = ["basis_code"]
    search_fields = ["agreement__code"]
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement"]
    view_fields = [
        "agreement_link",
        "purpose_label",
        "version",
        "basis",
        "benefit_labels",
        "class_labels",
        "look_back_days",
        "narrows",
        "next_version",
    ]

    agreement_link = link("agreement", _("agreement"))
    basis = basis_link

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: Scope) -> str:
        return purpose_name(obj.purpose)

    @admin.display(description=_("benefits"))
    def benefit_labels(self, obj: Scope) -> str:
        return benefit_names(obj.benefits)

    @admin.display(description=_("field classes"))
    def class_labels(self, obj: Scope) -> str:
        return class_names(obj.classes)

    def propose_row(self, request: HttpRequest, obj: Scope) -> None:
        """The service says whether the values narrow, and so hold at once, or wait for a second person."""
        values = {
            "basis_code": obj.basis_code,
            "benefits": obj.benefits,
            "classes": obj.classes,
            "look_back_days": obj.look_back_days,
        }
        made = change_scope(
            agreement=obj.agreement, purpose=obj.purpose, values=values, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk
        obj.refresh_from_db()
        if made.in_effect:
            messages.info(request, _("It only narrows what the agreement covers, and holds from now."))
        else:
            messages.info(request, _("It is proposed, and holds once a second person has approved it."))

    def approve_row(self, request: HttpRequest, obj: Scope, reason: str) -> None:
        approve_scope(scope=obj, by=request.user, at=timezone.now(), reason=reason)

    def consequences(self, request: HttpRequest, obj: Scope) -> Iterable[Consequence]:  # type: ignore[override]
        watches = Watch.objects.open().filter(stream__agreement=obj.agreement_id, stream__purpose=obj.purpose)
        return [
            _difference(obj, in_force_for(obj.agreement, obj.purpose)),
            Consequence(_("Whom it is about"), [[_("Open watches"), watches.count()]]),
        ]


class StreamForm(forms.ModelForm):
    purpose = PurposeField()

    class Meta:
        model = Stream
        fields = ["agreement", "purpose", "channel"]


@admin.register(Stream)
class StreamAdmin(VersionedAdmin):
    """Opened with the agreement, or here for a further channel; its mark moves with releases and never otherwise."""

    form = StreamForm
    list_display = [
        "__str__",
        "customer_link",
        "agreement_link",
        "channel",
        "last_number",
        "examined_import",
        "examined_day",
        "closed",
    ]
    list_filter = ["channel", "closed"]
    list_select_related = ["agreement__customer"]
    search_fields = ["agreement__code", "agreement__customer__name"]
    autocomplete_fields = ["agreement"]
    narrowed_by = ["agreement", "agreement__customer"]
    leads_to = [
        ("subscriptions.Watch", "stream", "pk"),
        ("subscriptions.Order", "stream", "pk"),
        ("deliveries.Delivery", "stream", "pk"),
        ("deliveries.StreamRun", "stream", "pk"),
        ("subscriptions.Pending", "watch__stream", "pk"),
    ]
    view_fields = [
        "customer_link",
        "agreement_link",
        "purpose_label",
        "channel",
        "last_number",
        "last_sha256",
        "examined_import",
        "examined_law",
        "examined_day",
        "closed",
        "see_also",
    ]

    customer_link = link("agreement.customer", _("customer"))
    agreement_link = link("agreement", _("agreement"))

    @admin.display(description=_("purpose"), ordering="purpose")
    def purpose_label(self, obj: Stream) -> str:
        return purpose_name(obj.purpose)

    def save_model(self, request: HttpRequest, obj: Stream, form: Any, change: bool) -> None:
        made = open_stream(
            agreement=obj.agreement, purpose=obj.purpose, channel=obj.channel, by=request.user, at=timezone.now()
        )
        obj.pk = made.pk

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service has logged it."""
