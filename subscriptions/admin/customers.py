"""Customers with their members, contacts, agents and systems."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from oauth2_provider import admin as tokens
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken

from benefits.identity import IdentityError, parse_organisation
from lefi.admin import AuditedModelAdmin, ReadOnlyAdmin, ReasonForm, Step, VersionedAdmin, anchor, link
from lefi.admin.columns import EMPTY, ERROR, SUCCESS, WARNING, amounts, badge, titled
from lefi.admin.filters import one_of, whether
from subscriptions import connections
from subscriptions.admin.fields import RecipientKindField, kind_label, kind_name, number_label
from subscriptions.admin.people import invite_step, may_invite
from subscriptions.models import Agent, ApiClient, Contact, Customer, Member
from subscriptions.people import REFUSALS, end_membership_for_fk, has_administrator

for holder_of_secrets in (Application, AccessToken, Grant, IDToken, RefreshToken):
    tokens.admin.site.unregister(holder_of_secrets)


class OrganisationNumberField(forms.CharField):
    """As people write it, with a dash or the century; kept as 10 digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Organisation number"), max_length=13, **kwargs)

    def clean(self, value: Any) -> str:
        try:
            return parse_organisation(super().clean(value))
        except IdentityError as error:
            raise forms.ValidationError(_("This is not an organisation number.")) from error


class CustomerForm(forms.ModelForm):
    organisation_number = OrganisationNumberField()
    kind = RecipientKindField()

    class Meta:
        model = Customer
        fields = ["name", "organisation_number", "unit", "kind", "active"]


class KindFilter(admin.SimpleListFilter):
    """The kinds that customers have, by name; there are not many customers."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        kinds = Customer.objects.order_by("kind").values_list("kind", flat=True).distinct()
        return [(kind, kind_name(kind)) for kind in kinds]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


class MemberInline(admin.StackedInline):
    """Who works for the customer: seen and ended here. People are let in, and given roles, by its administrators."""

    model = Member
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ContactInline(admin.StackedInline):
    """Whom notices are mailed to."""

    model = Contact
    extra = 0
    fields = [("role", "name"), ("email", "phone")]


@admin.register(Customer)
class CustomerAdmin(AuditedModelAdmin):
    """Who is told, and whether: once that stands in an agreement it is not one person's to change."""

    form = CustomerForm
    few = True
    list_display = ["name", "number_label", "unit", "kind_label", "state_badge", "active_agreements"]
    list_filter = [KindFilter, one_of("active", _("state"), lambda: [("1", _("active")), ("0", _("not active"))])]
    ordering = ["name", "unit"]  # what the model says is lost where rows are counted
    search_fields = ["name", "^organisation_number", "unit"]
    search_help_text = _("Name, unit code, or organisation number.")
    empty = _("No customer yet. One is made when an application is accepted.")
    fields = ["name", "organisation_number", "unit", "kind", "active", "stopped_at", "stopped_by"]
    readonly_fields = ["state_badge", "number_label", "kind_label", "stopped_at", "stopped_by"]
    refusals = REFUSALS
    settled: dict[Any, str] = {
        "organisation_number": "number_label",
        "kind": "kind_label",
        "active": "state_badge",
        "unit": "unit",
    }
    moments = ["stopped_at"]
    inlines = [MemberInline, ContactInline]
    leads_to = [
        ("subscriptions.Agreement", "customer", "pk"),
        ("subscriptions.Stream", "agreement__customer", "pk"),
        ("subscriptions.Order", "stream__agreement__customer", "pk"),
        ("deliveries.Delivery", "stream__agreement__customer", "pk"),
        ("deliveries.Lag", "stream__agreement__customer", "pk"),
        ("subscriptions.Agent", "customer", "pk"),
        ("subscriptions.ApiClient", "customer", "pk"),
        ("subscriptions.Block", "customer", "pk"),
        ("subscriptions.Notice", "customer", "pk"),
        ("subscriptions.Watch", "stream__agreement__customer", "pk"),
        ("deliveries.Disclosure", "customer", "pk"),
        ("subscriptions.Consent", "customer", "pk"),
        ("subscriptions.Invitation", "customer", "pk"),
        ("deliveries.SpontaneousDisclosure", "customer", "pk"),
        ("deliveries.Reconciliation", "stream__agreement__customer", "pk"),
    ]

    number_label = number_label
    kind_label = kind_label

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is settled is shown in words."""
        if not obj:
            return CustomerForm.Meta.fields
        settled: Any = self.settled if connections.is_settled(obj) else {}
        return [settled.get(name, name) for name in self.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.readonly_fields, *(["unit"] if obj and connections.is_settled(obj) else [])]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/stop/", view(self.stop_view), name="subscriptions_customer_stop"),
            path("<path:object_id>/start/", view(self.start_view), name="subscriptions_customer_start"),
            path("<path:object_id>/invite/", view(self.invite_view), name="subscriptions_customer_invite"),
            *super().get_urls(),
        ]

    def steps_of(self, request: HttpRequest, obj: Customer) -> list[tuple[str, Any]]:
        invites = may_invite(request) and not has_administrator(obj)
        invite = [("invite", _("Invite the first administrator"))] if invites else []
        if not (connections.is_settled(obj) and self.may(request, "stop")):
            return invite
        if obj.active:
            return [*invite, ("stop", _("Stop"))]
        own = obj.stopped_by_id == request.user.pk
        start = [("start", _("Start again"))] if connections.is_stopped(obj) and not own else []
        return [*invite, *start]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Members can only be let go here, and that by the service, which logs it."""
        if formset.model is Member:
            formset.save(commit=False)
            for one in formset.deleted_objects:
                end_membership_for_fk(member=one, by=request.user)
            formset.deleted_objects = []
        else:
            super().save_formset(request, form, formset, change)

    def invite_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Invite the customer's first administrator by mail, with a reason."""
        customer: Customer = self.found(request, object_id)
        if not may_invite(request):
            raise PermissionDenied
        return self.take(request, customer, invite_step(request, customer))

    def stop_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop a customer at once, with a reason."""
        customer = self._to_stop(request, object_id)
        step = Step(
            title=_("Stop a customer"),
            button=_("Stop"),
            done=_("The customer is stopped: nothing more is told it."),
            act=lambda said: connections.stop_customer(
                customer=customer, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, customer, step)

    def start_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Start a customer that another has stopped, with a reason."""
        customer = self._to_stop(request, object_id)
        step = Step(
            title=_("Start a customer"),
            button=_("Start again"),
            done=_("The customer is active again, and is told what its agreements cover."),
            act=lambda said: connections.start_customer(
                customer=customer, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, customer, step)

    def _to_stop(self, request: HttpRequest, object_id: str) -> Customer:
        customer: Customer = self.found(request, object_id)
        if not self.may(request, "stop"):
            raise PermissionDenied
        return customer

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .annotate(
                agreements_active=Count("agreements", distinct=True, filter=Q(agreements__status="active")),
                blocks_standing=Count("blocks", distinct=True, filter=Q(blocks__lifted_at=None)),
            )
        )

    def has_delete_permission(self, request, obj=None):
        return False

    @amounts(_("active agreements"), ordering="agreements_active")
    def active_agreements(self, obj) -> int:
        return obj.agreements_active

    @admin.display(description=_("state"), ordering="active")
    def state_badge(self, obj) -> str:
        """Whether it is told anything: a block stops all that an active customer would be told."""
        if obj.blocks_standing:
            return badge(_("blocked"), ERROR)
        return badge(_("active"), SUCCESS) if obj.active else badge(_("not active"), WARNING)


class AgentForm(forms.ModelForm):
    organisation_number = OrganisationNumberField()

    class Meta:
        model = Agent
        fields = ["customer", "organisation_number", "name", "processing_agreement", "valid_from"]


class EndAgentForm(ReasonForm):
    """The day after which an agent speaks for the customer no more."""

    reason = None  # type: ignore[assignment]
    on = forms.DateField(label=_("Last day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"))


@admin.register(Agent)
class AgentAdmin(VersionedAdmin):
    """Registered, and ended: a change of supplier is a new agent beside the old."""

    form = AgentForm
    list_display = ["name", "number_label", "customer_link", "processing_agreement", "valid_from", "valid_to"]
    list_filter = [("valid_to", whether(_("speaks for the customer"), _("ended"), _("state")))]
    list_select_related = ["customer"]
    search_fields = ["name", "^organisation_number", "customer__name"]
    short = ["name", "number_label", "valid_from", "valid_to"]
    empty = _("No agent is registered for any customer.")
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer"]
    leads_to = [("subscriptions.ApiClient", "agent", "pk")]
    view_fields = [
        "customer_link",
        "name",
        "number_label",
        "processing_agreement",
        "valid_from",
        "valid_to",
    ]

    customer_link = link("customer", _("customer"))
    number_label = number_label

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.end_view)
        return [path("<path:object_id>/end/", view, name="subscriptions_agent_end"), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        made = connections.register_agent(
            customer=obj.customer,
            organisation_number=obj.organisation_number,
            name=obj.name,
            processing_agreement=obj.processing_agreement,
            valid_from=obj.valid_from,
            by=request.user,
            at=timezone.now(),
        )
        obj.pk = made.pk

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service has logged it."""

    def has_end_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def steps_of(self, request: HttpRequest, obj: Agent) -> list[tuple[str, Any]]:
        open_to_reader = obj.valid_to is None and self.has_end_permission(request)
        return [("end", _("End"))] if open_to_reader else []

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """End an agent's registration after a day."""
        agent: Agent = self.found(request, object_id)
        if not self.has_end_permission(request):
            raise PermissionDenied
        step = Step(
            title=_("End the registration of an agent"),
            button=_("End"),
            done=_("From the day after, the agent's systems open nothing for the customer."),
            act=lambda said: connections.end_agent(agent=agent, on=said["on"], by=request.user, at=timezone.now()),
            form=EndAgentForm,
        )
        return self.take(request, agent, step)


class ApiClientForm(forms.ModelForm):
    class Meta:
        model = ApiClient
        fields = ["application", "customer", "agent", "all_streams", "streams"]

    def clean_agent(self) -> Agent | None:
        """An agent speaks for its own customer alone."""
        agent: Agent | None = self.cleaned_data["agent"]
        customer = self.cleaned_data.get("customer") or (self.instance.customer if self.instance.pk else None)
        if agent is not None and agent.customer != customer:
            raise forms.ValidationError(_("The agent is not registered for this customer."))
        return agent


@admin.register(ApiClient)
class ApiClientAdmin(AuditedModelAdmin):
    form = ApiClientForm
    list_display = ["application", "customer_link", "agent_link", "on_streams"]
    list_select_related = ["application", "customer", "agent"]
    search_fields = ["application__name", "customer__name"]
    raw_id_fields = ["application"]
    autocomplete_fields = ["customer", "agent", "streams"]
    narrowed_by = ["customer", "agent", "application"]
    short = ["application", "agent_link", "on_streams"]
    empty = _("No system is let in. `issue_client` lets one in.")

    customer_link = link("customer", _("customer"))
    agent_link = link("agent", _("agent"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A system that is let in stays its customer's: its secret is with whom it was issued for."""
        return ["application", "customer"] if obj else []

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(streams_named=Count("streams"))

    @admin.display(description=_("streams"), ordering="streams_named")
    def on_streams(self, obj) -> str:
        return str(_("all") if obj.all_streams else obj.streams_named)


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """The systems known to the token endpoint, without their secrets; a command makes them."""

    list_display = ["name", "id_of_client", "speaks_for", "made_at"]
    list_select_related = ["api_client__customer"]
    sortable_by = ["name", "made_at"]
    search_fields = ["name", "=client_id"]
    search_help_text = _("The system's name, or its whole id.")
    leads_to = [("subscriptions.ApiClient", "application", "pk")]
    id_of_client = titled("client_id", _("client id"))
    made_at = titled("created", _("made"))
    fields = ["name", "id_of_client", "speaks_for", "made_at"]

    @admin.display(description=_("customer"))
    def speaks_for(self, obj: Any) -> str:
        client = getattr(obj, "api_client", None)
        return anchor(client.customer) if client else EMPTY
