"""Rows that are removed on a page of its own, with the reason."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _

from lefi.admin import AuditedModelAdmin, Step
from lefi.audit.models import Action


class RemovableAdmin(AuditedModelAdmin):
    """One row at a time, and never unsaid why. `removal` is what that is called, `removed` what is said once done."""

    removal: Any = _("Remove")
    removed: Any = _("It was removed.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Django's own page asks for no reason."""
        return False

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.remove_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_remove"
        return [path("<path:object_id>/remove/", view, name=name), *super().get_urls()]

    def steps_of(self, request: HttpRequest, obj: Any) -> list[tuple[str, Any]]:
        return [("remove", self.removal)] if self.may(request, "delete") else []

    def remove_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        obj = self.found(request, object_id)
        if not self.may(request, "delete"):
            raise PermissionDenied
        step = Step(
            title=self.removal,
            button=self.removal,
            done=self.removed,
            act=lambda said: self._remove(request, obj, said["reason"]),
            leads_to="changelist",
        )
        return self.take(request, obj, step)

    def _remove(self, request: HttpRequest, obj: Any, reason: str) -> None:
        self.record(request, Action.DELETE, obj, reason=reason)
        self.remove(obj)

    def remove(self, obj: Any) -> None:
        obj.delete()
