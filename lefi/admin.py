"""The kinds of admin page that the apps' pages are made of: careful lookups, links, the audit log."""

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, cast

from django.apps import apps
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from lefi.audit.models import Action, record
from lefi.audit.reasons import reason_for
from lefi.bulk import on_postgresql

MANY = 100_000  # rows; counting more takes longer than a reader waits

admin.site.enable_nav_sidebar = False  # lists need the width
admin.site.index_title = _("Administration")  # type: ignore[assignment]


class QuickPaginator(Paginator):
    """Take PostgreSQL's own estimate for the number of rows of a large, unfiltered table."""

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet", self.object_list)
        if on_postgresql() and not rows.query.where:
            with connection.cursor() as cursor:
                table = rows.model._meta.db_table
                cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table])
                estimate = int(cursor.fetchone()[0])
            if estimate > MANY:
                return estimate
        return rows.count()


def anchor(target: Model | None, text: object = None) -> str:
    """A link to the admin page of a row."""
    if target is None:
        return "-"
    name = f"admin:{target._meta.app_label}_{target._meta.model_name}_change"
    words = target if text is None else text
    return format_html('<a href="{}">{}</a>', reverse(name, args=[target.pk]), words)


def link(path: str, description: Any) -> Callable[..., str]:
    """A column that links to the row which a dotted path leads to."""

    @admin.display(description=description, ordering=path.replace(".", "__"))
    def column(self: admin.ModelAdmin, obj: Model) -> str:
        return anchor(attrgetter(path)(obj))

    return column


class Lists(admin.ModelAdmin):
    """Lists that can be narrowed only by what they declare, so that no address can probe other columns.

    `leads_to` holds (model's label, lookup, attribute): the lists under "see also" on the page of a row, each
    narrowed to the rows whose lookup equals this row's attribute. The admin there names it in `narrowed_by`.
    """

    paginator = QuickPaginator
    show_full_result_count = False
    view_on_site = False
    list_per_page = 50
    narrowed_by: Sequence[str] = ()
    leads_to: Sequence[tuple[str, str, str]] = ()

    class Media:
        css = {"all": ["admin-theme/pages.css"]}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj else [one for one in fields if one != "see_also"]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        filters = [one[0] if isinstance(one, tuple | list) else one for one in self.get_list_filter(request)]
        declared = [one for one in [*filters, self.date_hierarchy] if isinstance(one, str)]
        return lookup in self.narrowed_by or any(lookup == one or lookup.startswith(f"{one}__") for one in declared)

    @admin.display(description=_("see also"))
    def see_also(self, obj: Model) -> str:
        rows = []
        for label, lookup, attribute in self.leads_to:
            value = getattr(obj, attribute)
            if value is None:
                continue
            options = apps.get_model(label)._meta
            name = f"admin:{options.app_label}_{options.model_name}_changelist"
            query = urlencode({lookup: value})
            rows.append((f"{reverse(name)}?{query}", capfirst(options.verbose_name_plural)))
        return format_html_join(" · ", '<a href="{}">{}</a>', rows) or "-"


class ReadOnlyAdmin(Lists):
    """Rows that the system alone writes: nobody adds, changes or deletes them here, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AuditedModelAdmin(Lists):
    """Rows that people write: each creation, change and deletion is logged, with the names of the fields."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self.record(request, Action.CHANGE if change else Action.CREATE, form.instance, form.changed_data)
        for formset in formsets:
            for obj in formset.new_objects:
                self.record(request, Action.CREATE, obj)
            for obj, fields in formset.changed_objects:
                self.record(request, Action.CHANGE, obj, fields)
            for obj in formset.deleted_objects:
                self.record(request, Action.DELETE, obj)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.record(request, Action.DELETE, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for obj in queryset:
            self.record(request, Action.DELETE, obj)
        super().delete_queryset(request, queryset)

    def record(self, request: HttpRequest, action: str, obj: Model, fields: Sequence[str] = ()) -> None:
        record(
            action=action,
            object_type=obj._meta.label_lower,
            object_id=obj.pk,
            actor=request.user,
            person_id=getattr(obj, "person_id", None),
            fields=list(fields),
        )


class VersionedAdmin(AuditedModelAdmin):
    """Rows that are added and then stand: a change is a new row, so that what held on a day can be told.

    `view_fields` is what the page of a row shows. A new row can start from an older one (`?after=`).
    """

    view_fields: Sequence[str] = ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.view_fields if obj else super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.view_fields if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        older = self.get_object(request, request.GET["after"]) if "after" in request.GET else None
        return model_to_dict(older) if older else super().get_changeform_initial_data(request)

    @admin.display(description=_("next version"))
    def next_version(self, obj: Model) -> str:
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add")
        words = _("Start a new version from this one")
        return format_html('<a href="{}?after={}">{}</a>', url, obj.pk, words)


class AboutAPerson(Lists):
    """Rows about a person, each read of which is logged with its reason (who, whom, why, when).

    `about` is the dotted path to the person's id. Who has not said why is asked first, on the person's page.
    """

    about = "person_id"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        obj = self.get_object(request, object_id)
        person_id = self._person_id(obj)
        if obj is None or person_id is None or not self.has_view_or_change_permission(request, obj):
            return super().change_view(request, object_id, form_url, extra_context)
        reason = reason_for(request.session, person_id, at=timezone.now())
        if not reason:
            messages.info(request, _("Say why you need to read about this person."))
            page = reverse("admin:benefits_person_change", args=[person_id])
            return HttpResponseRedirect(f"{page}?{urlencode({'next': request.path})}")
        record(
            action=Action.READ,
            object_type=self.opts.label_lower,
            object_id=obj.pk,
            actor=request.user,
            person_id=person_id,
            reason=reason,
        )
        return super().change_view(request, object_id, form_url, extra_context)

    def _person_id(self, obj: Model | None) -> int | None:
        try:
            return attrgetter(self.about)(obj)
        except AttributeError:
            return None
