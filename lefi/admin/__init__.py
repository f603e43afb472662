"""The kinds of admin page that the apps' pages are made of: careful lookups, links, short tables, the audit log."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet
from django.forms import SplitDateTimeField, model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from lefi import foureyes, staffwork
from lefi.admin.changelist import BEFORE, BoundedList
from lefi.admin.columns import EMPTY, SUCCESS, WARNING, anchor, badge, link
from lefi.admin.filters import IsSetFilter, StateFilter, WorkFilter
from lefi.admin.history import Moments, events_of, log_of, may_read_log
from lefi.admin.light import LightAdmin
from lefi.admin.masked import masked, nameless
from lefi.admin.paths import matching
from lefi.admin.related import related_to
from lefi.admin.steps import Consequence, ReasonForm, Step, TakesSteps, named_only
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.foureyes import FourEyes
from lefi.masking import holds_identity_number
from lefi.paging import BoundedPaginator
from lefi.staffwork import Work

__all__ = [
    "AuditedModelAdmin",
    "Consequence",
    "FourEyesAdmin",
    "IsSetFilter",
    "Lists",
    "ReadOnlyAdmin",
    "ReasonForm",
    "Step",
    "VersionedAdmin",
    "anchor",
    "link",
    "named_only",
]


class Lists(TakesSteps, LightAdmin):
    """Lists that can be narrowed only by what they declare, so that no address can probe other columns.

    `leads_to` holds (model's label, lookup, attribute): the rows that belong to a row, whose lookup equals this row's
    attribute; and what they are called, if it is not what they are everywhere. The page of a row shows the newest of
    each, in the columns that the admin there names as `short`, and a link to all; where it names none, the link alone.
    The admin there has the lookup in `narrowed_by`.

    What an address narrows a list by and is named in `found_before_sorted` leads to rows that lie together, perhaps far
    back, and are not very many: they are found and then sorted, and not sought through all rows by age.

    `narrowed_filters` are offered only where the list is narrowed already: over all rows they would have no index.

    `moments` are the row's own instants, shown among what people did to it. `technical` are fields that few ask for.
    Where rows are `few`, others' lists and searches lead through them.

    What is done to a row by a service of its own is a page (`take`); `refusals` has the words for the services'
    refusals, by code.
    """

    change_form_template = "admin/row.html"
    change_list_template = "admin/list.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each would be a count of the whole list
    view_on_site = False
    list_per_page = 50
    few = False
    add_words: Any = _("Add %(name)s")
    short: Sequence[str] = ()
    moments: Moments = ()
    narrowed_by: Sequence[str] = ()
    narrowed_filters: Sequence[Any] = ()
    found_before_sorted: Sequence[str] = ()
    leads_to: Sequence[tuple[Any, ...]] = ()
    empty: Any = ""  # what a list says when there is no row at all
    empty_value_display = EMPTY

    class Media:
        css = {"all": ["admin-theme/pages.css", "admin-theme/rows.css"]}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The day and the time of an instant are two inputs: each is given the name of both."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, SplitDateTimeField):
            for widget, part in zip(field.widget.widgets, (_("day"), _("time")), strict=True):
                widget.attrs["aria-label"] = f"{field.label}, {part}"
        return field

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return self.without_numbers(request) or super().changelist_view(request, extra_context)

    def without_numbers(self, request: HttpRequest) -> HttpResponse | None:
        """The list without what is sought in it, where an identity number was: no address holds one."""
        if not holds_identity_number(request.GET.get(SEARCH_VAR, "")):
            return None
        messages.warning(request, _("No identity number is sought here. A person is sought under “Find a person”."))
        rest = request.GET.copy()
        del rest[SEARCH_VAR]
        return HttpResponseRedirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)

    def seek_address(self, request: HttpRequest) -> str:
        """The page that seeks the list's rows by what may not stand in an address, if there is one for the reader."""
        return ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedList]:
        return BoundedList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[QuerySet, bool]:
        return queryset.filter(matching(self.model, self.get_search_fields(request), search_term)), False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if self.fieldsets:
            return self.fieldsets
        fields = self.get_fields(request, obj)
        aside = [one for one in fields if obj and one in self.technical]
        shown = [(None, {"fields": [one for one in fields if one not in aside]})]
        return [*shown, (_("Technical"), {"fields": aside, "classes": ["collapse"]})] if aside else shown

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        filters = [one[0] if isinstance(one, tuple | list) else one for one in self.get_list_filter(request)]
        declared = [one for one in [*filters, self.date_hierarchy] if isinstance(one, str)]
        own = {getattr(one, "parameter_name", None) for one in filters}
        return (
            lookup in own
            or lookup == BEFORE
            or lookup in self.narrowed_by
            or any(lookup == one or lookup.startswith(f"{one}__") for one in declared)
        )

    def short_for(self, request: HttpRequest) -> Sequence[str]:
        """The columns of the short tables on others' pages that the reader may see."""
        return self.short

    def ordering_under(self, request: HttpRequest, *lookups: str) -> Sequence[Any]:
        """The order of rows that are narrowed by some lookups."""
        if self.goes_by_age and not set(lookups).isdisjoint(self.found_before_sorted):
            return [(F("pk") + 0).desc()]  # not the key itself, which the database would walk along
        return self.get_ordering(request) or self.opts.ordering or ["-pk"]

    @property
    def goes_by_age(self) -> bool:
        """Whether the newest rows come first, by their keys alone."""
        return (self.ordering or self.opts.ordering or ["-id"])[0] in ("-id", "-pk")

    def name_of(self, row: Model) -> str:
        """What a list that is narrowed to another's row calls that."""
        return str(row)

    def only_person(self, rows: Sequence[Model]) -> int | None:
        """The one person whom all these rows are about, if they are about one."""
        return None

    @property
    def add_title(self) -> str:
        """What the page for a new row is called, and the link to it."""
        return self.add_words % {"name": self.opts.verbose_name}

    def title_of(self, row: Any) -> str:
        """What the row's own page calls it."""
        return str(row)

    def may(self, request: HttpRequest, verb: str) -> bool:
        """Whether the reader has one of the model's rights, such as "approve"."""
        right = f"{self.opts.app_label}.{get_permission_codename(verb, self.opts)}"
        return request.user.has_perm(right)  # type: ignore[union-attr]

    def get_list_filter(self, request: HttpRequest) -> Any:
        narrowed = not set(self.narrowed_by).isdisjoint(request.GET)
        return [WorkFilter, *super().get_list_filter(request), *(self.narrowed_filters if narrowed else ())]

    def work_of(self, request: HttpRequest) -> list[Work]:
        """What waits for the reader among the rows, by the reader's rights."""
        seen = self.has_view_permission(request)
        return [one for one in staffwork.of(self.model) if one.is_for(request.user) and (seen or one.url_name)]

    def steps_of(self, request: HttpRequest, obj: Any) -> Sequence[tuple[str, Any]]:
        """The steps that the reader may take with a row: (end of the address's name, words of the link)."""
        return ()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}"
            steps = self.steps_of(request, obj)
            context |= {
                "steps": [(reverse(f"{name}_{step}", args=[obj.pk]), words) for step, words in steps],
                "related": related_to(request, self, obj),
                "events": events_of(obj, self.moments, request),
                "log": log_of(obj) if may_read_log(request) else "",
                "original": masked(obj),
                "subtitle": self.title_of(masked(obj)),
            }
            context["adminform"].form.instance = masked(obj)  # it has been saved by now, if it was to be
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's own history is not written; ours is the log."""
        obj = self.found(request, object_id)
        if not (may_read_log(request) and self.has_view_permission(request, obj)):
            raise PermissionDenied
        return HttpResponseRedirect(log_of(obj))


class ReadOnlyAdmin(Lists):
    """Rows that the system alone writes: nobody adds, changes or deletes them here, superusers included."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

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
        self.record_saved(request, form, change)
        for formset in formsets:
            for obj in formset.new_objects:
                self.record(request, Action.CREATE, obj)
            for obj, fields in formset.changed_objects:
                self.record(request, Action.CHANGE, obj, fields)
            for obj in formset.deleted_objects:
                self.record(request, Action.DELETE, obj)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Where the service that saves the row refuses, the form says so and keeps what was typed."""
        try:
            return super().add_view(request, form_url, extra_context)
        except Refused as refused:
            request.refusal = self.words(refused)  # type: ignore[attr-defined]
            return super().add_view(request, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = nameless(super().get_form(request, obj, change=change, **kwargs))
        refusal = getattr(request, "refusal", "")
        return _refusing(made, refusal) if refusal else made

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        self.record(request, Action.CHANGE if change else Action.CREATE, form.instance, form.changed_data)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        self.record(request, Action.DELETE, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet) -> None:
        for obj in queryset:
            self.record(request, Action.DELETE, obj)
        super().delete_queryset(request, queryset)

    def record(
        self, request: HttpRequest, action: str, obj: Model, fields: Sequence[str] = (), reason: str = ""
    ) -> None:
        record(
            action=action,
            object_type=obj._meta.label_lower,
            object_id=obj.pk,
            actor=request.user,
            person_id=getattr(obj, "person_id", None),
            reason=reason,
            fields=list(fields),
        )


def _refusing(made: Any, refusal: Any) -> Any:
    """The form, never valid any more: it says the refusal."""

    class Refusing(made):
        def clean(self) -> Any:
            data = super().clean()
            self.add_error(None, refusal)
            return data

    return Refusing


class VersionedAdmin(AuditedModelAdmin):
    """Rows that are added and then stand: a change is a new row, so that what held on a day can be told.

    `view_fields` is what the page of a row shows. Where `next_version` is among them, a new row can start from an older
    one (`?after=`); elsewhere an older row is read on its own page alone.
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
        starts = "after" in request.GET and "next_version" in self.view_fields
        older = self.get_object(request, request.GET["after"]) if starts else None
        return model_to_dict(older) if older else super().get_changeform_initial_data(request)

    @admin.display(description=_("next version"))
    def next_version(self, obj: Model) -> str:
        url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add")
        words = _("Start a new version from this one")
        return format_html('<a href="{}?after={}">{}</a>', url, obj.pk, words)


class FourEyesAdmin(VersionedAdmin):
    """Rows that one person proposes on the add page and another approves or drops on pages of their own.

    Subclasses say what a row's approval would mean (`consequences`), and may name services other than the plain ones
    (`propose_row`, `approve_row`, `drop_row`). The right to approve is another than that to propose; nobody approves
    their own, superusers included.
    """

    add_words = _("Propose %(name)s")
    proposed_since: Any = "prepared_at"  # or by when it is to be approved, where `approved_by_then`
    approved_by_then = False
    state_fields = ("state", "prepared_by", "prepared_at", "approved_by", "approved_at")

    def get_list_display(self, request: HttpRequest) -> Any:
        return [*super().get_list_display(request), "state", "prepared_by", "approved_by"]

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [StateFilter, *super().get_list_filter(request)]

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related: Any = super().get_list_select_related(request) or ()
        return [*related, "prepared_by", "approved_by"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return [*fields, *self.state_fields] if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *self.state_fields] if obj else fields

    def get_urls(self) -> list[Any]:
        view, name = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path("<path:object_id>/approve/", view(self.approve_view), name=f"{name}_approve"),
            path("<path:object_id>/drop/", view(self.drop_view), name=f"{name}_drop"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, {"title": self.add_title, **(extra_context or {})})

    @admin.display(description=_("state"), ordering="approved_at")
    def state(self, obj: FourEyes) -> Any:
        return badge(_("in effect"), SUCCESS) if obj.in_effect else badge(_("proposed"), WARNING)

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "approve")

    def work_of(self, request: HttpRequest) -> list[Work]:
        if not self.has_approve_permission(request):
            return super().work_of(request)
        return [*super().work_of(request), staffwork.to_approve(self.model, self.proposed_since, self.approved_by_then)]

    def steps_of(self, request: HttpRequest, obj: Any) -> Sequence[tuple[str, Any]]:
        if obj.in_effect:
            return ()
        own, right = obj.prepared_by_id == request.user.pk, self.has_approve_permission(request, obj)
        approve = [("approve", _("Approve"))] if right and not own else []
        return [*approve, ("drop", _("Drop"))] if right or own else []

    def consequences(self, request: HttpRequest, obj: Any) -> Sequence[Consequence]:
        """What an approval of the row would mean, shown before it is given."""
        return ()

    def propose_row(self, request: HttpRequest, obj: Any) -> None:
        foureyes.propose(obj, by=request.user, at=timezone.now())

    def approve_row(self, request: HttpRequest, obj: Any, reason: str) -> None:
        foureyes.approve(obj, by=request.user, at=timezone.now(), reason=reason)

    def drop_row(self, request: HttpRequest, obj: Any, reason: str) -> None:
        foureyes.drop(obj, by=request.user, reason=reason)

    def words(self, refused: Refused) -> Any:
        known = {
            "SAME_PERSON": _("What one person prepared, another must approve."),
            "NOT_PROPOSED": _("There is nothing here that waits for approval."),
        }
        return known.get(refused.code) or super().words(refused)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.propose_row(request, obj)

    def record_saved(self, request: HttpRequest, form: Any, change: bool) -> None:
        """The service that took the proposal has logged it."""

    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what a proposal says and would mean, and approve it with a reason."""
        return self._decide(request, object_id, approving=True)

    def drop_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what a proposal says, and throw it away with a reason."""
        return self._decide(request, object_id, approving=False)

    def _decide(self, request: HttpRequest, object_id: str, *, approving: bool) -> HttpResponse:
        obj = self.found(request, object_id)
        own = obj.prepared_by_id == request.user.pk
        if not (self.has_approve_permission(request, obj) or (own and self.has_view_permission(request, obj))):
            raise PermissionDenied
        if approving:
            step = Step(
                title=_("Approve a proposal"),
                button=_("Approve"),
                done=_("The proposal was approved and is in effect."),
                act=lambda said: self.approve_row(request, obj, said["reason"]),
                refusal=self._refusal(obj, "SAME_PERSON" if own else ""),
                consequences=lambda: self.consequences(request, obj),
            )
        else:
            step = Step(
                title=_("Drop a proposal"),
                button=_("Drop"),
                done=_("The proposal was dropped."),
                act=lambda said: self.drop_row(request, obj, said["reason"]),
                refusal=self._refusal(obj),
                leads_to="changelist",
            )
        return self.take(request, obj, step)

    def _refusal(self, obj: Any, code: str = "") -> Any:
        """Why a row cannot be decided on by the reader, in words; empty if nothing is known against it."""
        code = "NOT_PROPOSED" if obj.in_effect else code
        return self.words(Refused(code)) if code else ""
