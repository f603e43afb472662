"""The admin as one workplace: its pages by the work that they belong to, in a menu on each of them."""

from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest
from django.template.response import TemplateResponse

from lefi import navigation


class WorkplaceConfig(AdminConfig):
    default_site = "lefi.adminsite.Workplace"


class Workplace(AdminSite):
    enable_nav_sidebar = False  # lists need the width: the menu stands above them

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "shortcuts": navigation.shortcuts(context["available_apps"])}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The groups of the menu, and not Django's apps; those of one app, where its label is given."""
        found = self._build_app_dict(request, app_label).values()  # type: ignore[attr-defined]
        models = {one["model"]._meta.label: one for app in found for one in app["models"]}
        groups = navigation.menu(models, user=request.user, path=request.path)
        return [group for group in groups if app_label is None or _is_of(group, app_label)]

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> TemplateResponse:
        title = apps.get_app_config(app_label).verbose_name
        return super().app_index(request, app_label, {"title": title, **(extra_context or {})})


def _is_of(group: dict[str, Any], app_label: str) -> bool:
    return any(one["label"].startswith(f"{app_label}.") for one in group["models"])
