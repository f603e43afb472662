"""The people who log in, the groups that give them their rights, and how they log in. Every change is logged.

Importing the admins of allauth and of Django's groups registers them, so that they can be replaced here;
what holds secrets, or is not used, has no page.
"""

from allauth.account.admin import EmailAddress
from allauth.mfa.admin import Authenticator
from allauth.socialaccount.admin import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as PlainGroupAdmin
from django.contrib.auth.admin import UserAdmin as PlainUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpResponseRedirect

from lefi.accounts.models import User
from lefi.admin import AuditedModelAdmin
from lefi.audit.models import Action

admin.site.unregister([Group, Authenticator, UserSession])
admin.site.unregister([EmailAddress, SocialAccount, SocialApp, SocialToken])


@admin.register(User)
class UserAdmin(AuditedModelAdmin, PlainUserAdmin):
    list_display = [
        "username",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
        "last_login",
    ]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    leads_to = [
        ("audit.AuditEvent", "actor", "pk"),
        ("mfa.Authenticator", "user", "pk"),
        ("usersessions.UserSession", "user", "pk"),
    ]
    readonly_fields = ["last_login", "date_joined", "see_also"]

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        return [*fieldsets, (None, {"fields": ["see_also"]})] if obj else fieldsets

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
    """Django's own page for groups, with the log."""


class RemovableAdmin(AuditedModelAdmin):
    """Rows that people make for themselves elsewhere, and that can only be removed here."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(RemovableAdmin):
    """A lost second factor is removed here, so that its owner can set up another; its secret is not shown."""

    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    narrowed_by = ["user"]
    fields = ["user", "type", "created_at", "last_used_at"]


@admin.register(UserSession)
class UserSessionAdmin(RemovableAdmin):
    """Where people are logged in; removing a row ends the session. Its key is not shown."""

    list_display = ["user", "ip", "user_agent", "created_at", "last_seen_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    narrowed_by = ["user"]
    fields = ["user", "ip", "user_agent", "created_at", "last_seen_at"]

    def delete_model(self, request, obj):
        self.record(request, Action.DELETE, obj)
        obj.end()

    def delete_queryset(self, request, queryset):
        for obj in queryset:
            self.delete_model(request, obj)
