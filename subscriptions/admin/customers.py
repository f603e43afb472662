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
from lefi.admin import AuditedModelAdmin, IsSetFilter, ReadOnlyAdmin, ReasonForm, Step, VersionedAdmin, link
from subscriptions import connections
from subscriptions.admin.fields import RecipientKindField, kind_name
from subscriptions.models import Agent, ApiClient, Contact, Customer, Member

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
    """The kinds that customers have, by name."""

    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request, model_admin):
        kinds = Customer.objects.order_by("kind").values_list("kind", flat=True).distinct()
        return [(kind, kind_name(kind)) for kind in kinds]

    def queryset(self, request, queryset):
        return queryset.filter(kind=self.value()) if self.value() else queryset


class MemberInline(admin.StackedInline):
    model = Member
    autocomplete_fields = ["user"]
    extra = 0


class ContactInline(admin.TabularInline):
    """Whom notices are mailed to."""

    model = Contact
    extra = 0


class AgentInline(admin.TabularInline):
    """Registered and ended on pages of their own."""

    model = Agent
    extra = 0
    fields = ["name", "organisation_number", "processing_agreement", "valid_from", "valid_to"]
    readonly_fields = ["name", "organisation_number", "processing_agreement", "valid_from", "valid_to"]
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Customer)
class CustomerAdmin(AuditedModelAdmin):
    """Who is told, and whether: once that stands in an agreement it is not one person's to change."""

    form = CustomerForm
    change_form_template = "admin/steps.html"
    list_display = [
        "name",
        "organisation_number",
        "unit",
        "kind_label",
        "active",
        "active_agreements",
        "blocked",
    ]
    list_filter = [KindFilter, "active"]
    search_fields = ["name", "organisation_number", "unit"]
    fields = ["name", "organisation_number", "unit", "kind", "active", "stopped_at", "stopped_by", "see_also"]
    readonly_fields = ["stopped_at", "stopped_by", "see_also"]
    settled = ["organisation_number", "unit", "kind", "active"]
    inlines = [MemberInline, ContactInline, AgentInline]
    leads_to = [
        ("subscriptions.Agreement", "customer", "pk"),
        ("subscriptions.Stream", "agreement__customer", "pk"),
        ("subscriptions.Watch", "stream__agreement__customer", "pk"),
        ("subscriptions.Order", "stream__agreement__customer", "pk"),
        ("deliveries.Delivery", "stream__agreement__customer", "pk"),
        ("deliveries.Disclosure", "customer", "pk"),
        ("subscriptions.Consent", "customer", "pk"),
        ("subscriptions.Block", "customer", "pk"),
        ("subscriptions.ApiClient", "customer", "pk"),
        ("subscriptions.Agent", "customer", "pk"),
        ("subscriptions.Notice", "customer", "pk"),
    ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else CustomerForm.Meta.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        settled = self.settled if obj and connections.is_settled(obj) else []
        return [*self.readonly_fields, *settled]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/stop/", view(self.stop_view), name="subscriptions_customer_stop"),
            path("<path:object_id>/start/", view(self.start_view), name="subscriptions_customer_start"),
            *super().get_urls(),
        ]

    def steps_of(self, request: HttpRequest, obj: Customer) -> list[tuple[str, Any]]:
        if not (connections.is_settled(obj) and self.has_change_permission(request, obj)):
            return []
        if obj.active:
            return [("stop", _("Stop"))]
        own = obj.stopped_by_id == request.user.pk
        return [("start", _("Start again"))] if connections.is_stopped(obj) and not own else []

    def stop_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Stop a customer at once, with a reason."""
        customer = self._to_change(request, object_id)
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
        customer = self._to_change(request, object_id)
        step = Step(
            title=_("Start a customer"),
            button=_("Start again"),
            done=_("The customer is active again, and is told what its agreements cover."),
            act=lambda said: connections.start_customer(
                customer=customer, by=request.user, at=timezone.now(), reason=said["reason"]
            ),
        )
        return self.take(request, customer, step)

    def _to_change(self, request: HttpRequest, object_id: str) -> Customer:
        customer: Customer = self.found(request, object_id)
        if not self.has_change_permission(request, customer):
            raise PermissionDenied
        return customer

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else [one for one in self.inlines if one is not AgentInline]

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

    @admin.display(description=_("kind"), ordering="kind")
    def kind_label(self, obj: Customer) -> str:
        return kind_name(obj.kind)

    @admin.display(description=_("active agreements"), ordering="agreements_active")
    def active_agreements(self, obj) -> int:
        return obj.agreements_active

    @admin.display(description=_("blocked"), boolean=True)
    def blocked(self, obj) -> bool:
        return obj.blocks_standing > 0


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
    change_form_template = "admin/steps.html"
    list_display = ["name", "organisation_number", "customer_link", "valid_from", "valid_to"]
    list_filter = [("valid_to", IsSetFilter)]
    list_select_related = ["customer"]
    search_fields = ["name", "organisation_number", "customer__name"]
    autocomplete_fields = ["customer"]
    narrowed_by = ["customer"]
    leads_to = [("subscriptions.ApiClient", "agent", "pk")]
    view_fields = [
        "customer_link",
        "name",
        "organisation_number",
        "processing_agreement",
        "valid_from",
        "valid_to",
        "see_also",
    ]

    customer_link = link("customer", _("customer"))

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
        return request.user.has_perm("subscriptions.change_agent")  # type: ignore[union-attr]

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
        if agent is not None and agent.customer != self.cleaned_data.get("customer"):
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
    narrowed_by = ["customer", "agent"]

    customer_link = link("customer", _("customer"))
    agent_link = link("agent", _("agent"))

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(streams_named=Count("streams"))

    @admin.display(description=_("streams"), ordering="streams_named")
    def on_streams(self, obj) -> str:
        return str(_("all") if obj.all_streams else obj.streams_named)


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """The systems known to the token endpoint, without their secrets; a command makes them."""

    list_display = ["name", "client_id", "client_type", "authorization_grant_type", "created"]
    search_fields = ["name", "client_id"]
    fields = ["name", "client_id", "client_type", "authorization_grant_type", "created", "updated"]
