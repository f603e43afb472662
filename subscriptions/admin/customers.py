"""Customers with their members and systems."""

from django import forms
from django.contrib import admin
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _
from oauth2_provider import admin as tokens
from oauth2_provider.models import AccessToken, Application, Grant, IDToken, RefreshToken

from benefits.identity import IdentityError, parse_organisation
from lefi.admin import AuditedModelAdmin, ReadOnlyAdmin, link
from subscriptions.admin.fields import RecipientKindField, kind_name
from subscriptions.models import ApiClient, Customer, Member

for holder_of_secrets in (Application, AccessToken, Grant, IDToken, RefreshToken):
    tokens.admin.site.unregister(holder_of_secrets)


class CustomerForm(forms.ModelForm):
    organisation_number = forms.CharField(label=_("Organisation number"), max_length=13)
    kind = RecipientKindField()

    class Meta:
        model = Customer
        fields = ["name", "organisation_number", "unit", "kind", "active"]

    def clean_organisation_number(self) -> str:
        try:
            return parse_organisation(self.cleaned_data["organisation_number"])
        except IdentityError as error:
            raise forms.ValidationError(_("This is not an organisation number.")) from error


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


@admin.register(Customer)
class CustomerAdmin(AuditedModelAdmin):
    form = CustomerForm
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
    fields = ["name", "organisation_number", "unit", "kind", "active", "see_also"]
    readonly_fields = ["see_also"]
    inlines = [MemberInline]
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
    ]

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


@admin.register(ApiClient)
class ApiClientAdmin(AuditedModelAdmin):
    list_display = ["application", "customer_link", "on_streams"]
    list_select_related = ["application", "customer"]
    search_fields = ["application__name", "customer__name"]
    raw_id_fields = ["application"]
    autocomplete_fields = ["customer", "streams"]
    narrowed_by = ["customer"]

    customer_link = link("customer", _("customer"))

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(streams_named=Count("streams"))

    @admin.display(description=_("streams"), ordering="streams_named")
    def on_streams(self, obj) -> str:
        return str(obj.streams_named or _("all"))


@admin.register(Application)
class ApplicationAdmin(ReadOnlyAdmin):
    """The systems known to the token endpoint, without their secrets; a command makes them."""

    list_display = ["name", "client_id", "client_type", "authorization_grant_type", "created"]
    search_fields = ["name", "client_id"]
    fields = ["name", "client_id", "client_type", "authorization_grant_type", "created", "updated"]
