"""The people who log in, the groups that give them their rights, and how they log in. Every change is logged.

Importing the admins of allauth and of Django's groups registers them, so that they can be replaced here;
what holds secrets, or is not used, has no page.
"""

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSession
from django import forms
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group, Permission
from django.db.models import Count
from django.http import HttpResponseRedirect
from django.utils.functional import lazy
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from lefi.accounts.models import User
from lefi.accounts.roles import BY_CODE, name_of, purpose_of
from lefi.admin import AuditedModelAdmin
from lefi.admin.columns import EMPTY, ERROR, SUCCESS, WARNING, badge, named, titled
from lefi.admin.filters import one_of
from lefi.admin.removing import RemovableAdmin
from lefi.audit.models import Action
from lefi.languages import language

admin.site.unregister([Group, Authenticator, UserSession])
admin.site.unregister([EmailAddress, SocialAccount, SocialApp, SocialToken])


FACTORS = {
    Authenticator.Type.TOTP: _("one-time codes from an app"),
    Authenticator.Type.WEBAUTHN: _("passkey or security key"),
    Authenticator.Type.RECOVERY_CODES: _("recovery codes"),
}
format_html_lazy = lazy(format_html, SafeString)
VERBS = {
    "view": _("see"),
    "add": _("add or propose"),
    "change": _("change or take further"),
    "delete": _("remove"),
    "approve": _("approve"),
}


def role_name(group: Group) -> str:
    """What a group is called in the reader's language."""
    return name_of(group.name, language())


class NewPassword(AdminPasswordChangeForm):
    """Django's form, whose warning has no translation."""

    usable_password_help_text = format_html_lazy(
        '<p id="id_unusable_warning">{}</p>', _("If disabled, the current password for this user will be lost.")
    )


class RolesField(forms.ModelMultipleChoiceField):
    def label_from_instance(self, obj):
        return role_name(obj)


class RightsField(forms.ModelMultipleChoiceField):
    """Rights by what they are to and on what; a right of its own by its name."""

    def label_from_instance(self, obj):
        model = obj.content_type.model_class()
        on = capfirst(model._meta.verbose_name_plural) if model else obj.content_type.model
        verb = VERBS.get(obj.codename.rpartition(f"_{obj.content_type.model}")[0])
        return f"{on}: {verb or _own_name(obj)}"


class RoleFilter(admin.SimpleListFilter):
    """The groups, by what they are called."""

    title = _("role")
    parameter_name = "groups"

    def lookups(self, request, model_admin):
        return sorted(((group.pk, role_name(group)) for group in Group.objects.all()), key=lambda one: one[1])

    def queryset(self, request, queryset):
        value = self.value() or ""
        return queryset.filter(groups=value) if value.isdecimal() else queryset


@admin.register(User)
class UserAdmin(AuditedModelAdmin, PlainUserAdmin):
    list_display = ["username", "full_name", "state_badge", "roles", "last_login"]
    list_filter = [
        one_of("is_active", _("state"), lambda: [("1", _("active")), ("0", _("not active"))]),
        one_of("is_staff", _("works at"), lambda: [("1", _("Försäkringskassan")), ("0", _("a customer"))]),
        RoleFilter,
    ]
    search_fields = ["username", "first_name", "last_name", "email"]
    search_help_text = _("User name, name or e-mail.")
    leads_to = [
        ("audit.AuditEvent", "actor", "pk"),
        ("mfa.Authenticator", "user", "pk"),
        ("usersessions.UserSession", "user", "pk"),
    ]
    short = ["username", "full_name", "state_badge", "last_login"]
    moments = [("date_joined", ""), ("last_login", "")]
    readonly_fields = ["last_login", "date_joined"]
    few = True
    change_password_form = NewPassword

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("name"), ordering="last_name")
    def full_name(self, obj):
        return obj.get_full_name() or EMPTY

    @admin.display(description=_("state"), ordering="is_active")
    def state_badge(self, obj):
        if not obj.is_active:
            return badge(_("not active"), ERROR)
        return badge(_("every right"), WARNING) if obj.is_superuser else badge(_("active"), SUCCESS)

    @admin.display(description=_("roles"))
    def roles(self, obj):
        return ", ".join(sorted(role_name(group) for group in obj.groups.all())) or EMPTY

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        named = {"form_class": RolesField} if db_field.name == "groups" else {}
        return super().formfield_for_manytomany(db_field, request, **kwargs, **named)

    def get_fieldsets(self, request, obj=None):
        """Rights come by roles alone, so that it is known who has which."""
        fieldsets = super().get_fieldsets(request, obj)
        return [
            (name, options | {"fields": [one for one in options["fields"] if one != "user_permissions"]})
            for name, options in fieldsets
        ]

    def user_change_password(self, request, id, form_url=""):
        response = super().user_change_password(request, id, form_url)
        user = self.get_object(request, id)
        if user is not None and request.method == "POST" and isinstance(response, HttpResponseRedirect):
            self.record(request, Action.CHANGE, user, ["password"])
        return response

    def has_delete_permission(self, request, obj=None):
        """People who have left are made inactive: what they did stays theirs."""
        return False


@admin.register(Group)
class GroupAdmin(AuditedModelAdmin, PlainGroupAdmin):
    """Django's own page for groups, with the log. The roles are shown: what they may do, a table in the code says."""

    list_display = ["label", "purpose", "members"]
    leads_to = [("accounts.User", "groups", "pk")]
    actions = None
    role_fields = ["label", "purpose", "rights"]

    def formfield_for_manytomany(self, db_field, request=None, **kwargs):
        named = {"form_class": RightsField} if db_field.name == "permissions" else {}
        return super().formfield_for_manytomany(db_field, request, **kwargs, **named)

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(people=Count("user"))

    def get_fields(self, request, obj=None):
        return self.role_fields if _is_role(obj) else ["name", "permissions"]

    def get_readonly_fields(self, request, obj=None):
        return self.role_fields if _is_role(obj) else ()

    def has_change_permission(self, request, obj=None):
        return not _is_role(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        return not _is_role(obj) and super().has_delete_permission(request, obj)

    def name_of(self, row):
        return role_name(row)

    title_of = name_of

    @admin.display(description=_("role"), ordering="name")
    def label(self, obj):
        return role_name(obj)

    @admin.display(description=_("what it is for"))
    def purpose(self, obj):
        return purpose_of(obj.name, language())

    @admin.display(description=_("people"), ordering="people")
    def members(self, obj):
        return obj.people

    @admin.display(description=_("rights"))
    def rights(self, obj):
        role = BY_CODE[obj.name]
        verbs = ((verb, models) for verb, models in role.by_verb.items() if models)
        lines = [(VERBS[verb], ", ".join(sorted(map(_plural, models)))) for verb, models in verbs]
        lines += [(_("and"), ", ".join(map(_in_words, sorted(role.also))))] if role.also else []
        items = format_html_join("", "<li><strong>{}:</strong> {}</li>", lines)
        return format_html('<ul class="checks">{}</ul>', items)


def _in_words(right):
    """A right that stands by itself: one of Django's by its verb, any other by its name."""
    app, _dot, codename = right.partition(".")
    verb, _line, model = codename.partition("_")
    if verb in VERBS and model in apps.all_models[app]:
        return f"{VERBS[verb]} {_plural(f'{app}.{model}')}"
    return _own_name(
        Permission.objects.select_related("content_type").get(content_type__app_label=app, codename=codename)
    )


def _own_name(right):
    """As the model names it, in the reader's language; the row has the language of its making."""
    model = right.content_type.model_class()
    named = dict(model._meta.permissions) if model else {}
    return str(named.get(right.codename, right.name))


def _plural(model):
    return str(apps.get_model(model)._meta.verbose_name_plural)


def _is_role(group):
    return group is not None and group.name in BY_CODE


class MadeElsewhere(RemovableAdmin):
    """Rows that people make for themselves elsewhere, and that can only be removed here."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(MadeElsewhere):
    """A lost second factor is removed here, so that its owner can set up another; its secret is not shown."""

    list_display = ["user", "kind", "made", "last_used"]
    list_filter = [one_of("type", _("kind"), FACTORS.items)]
    list_select_related = ["user"]
    ordering = ["-created_at", "-id"]
    search_fields = ["user__username", "user__first_name", "user__last_name"]
    search_help_text = _("The name of the user.")
    narrowed_by = ["user"]
    short = ["kind", "made", "last_used"]
    fields = ["user", "kind", "made", "last_used"]
    readonly_fields = ["kind", "made", "last_used"]
    moments = [("created_at", ""), ("last_used_at", "")]
    removal = _("Remove the second factor")
    removed = _("The second factor was removed. Its owner can set up another.")
    empty = _("Nobody has a second factor.")

    kind = named("type", _("kind"), lambda code: FACTORS.get(code, code))
    made = titled("created_at", _("made"))
    last_used = titled("last_used_at", _("last used"))


@admin.register(UserSession)
class UserSessionAdmin(MadeElsewhere):
    """Where people are logged in; removing a row ends the session. Its key is not shown."""

    list_display = ["whose", "address", "browser", "begun", "last_seen"]
    list_select_related = ["user"]
    ordering = ["-last_seen_at", "-id"]
    search_fields = ["user__username", "user__first_name", "user__last_name"]
    search_help_text = _("The name of the user.")
    narrowed_by = ["user"]
    short = ["begun", "last_seen", "address"]
    fields = ["whose", "address", "browser", "begun", "last_seen"]
    readonly_fields = ["whose", "address", "browser", "begun", "last_seen"]
    removal = _("End the session")
    removed = _("The session has ended.")
    empty = _("Nobody is logged in.")

    whose = titled("user", _("user"))
    address = titled("ip", _("network address"))
    browser = titled("user_agent", _("browser"))
    begun = titled("created_at", _("logged in"))
    last_seen = titled("last_seen_at", _("last seen"))

    def remove(self, obj):
        obj.end()
