"""The kinds of admin page that the apps' pages are made of: careful lookups, links, the audit log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, cast

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.helpers import AdminForm
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.forms import model_to_dict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.bulk import on_postgresql
from lefi.errors import Refused
from lefi.foureyes import FourEyes
from lefi.masking import mask_identity_numbers

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


class ReasonForm(forms.Form):
    """Why somebody does what is done; kept in the log, so it must not say whom it is about."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        min_length=5,
        help_text=_("Case or errand, in a few words. It is kept in the log; write no identity number here."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def clean_reason(self) -> str:
        reason: str = self.cleaned_data["reason"]
        if mask_identity_numbers(reason) != reason:
            raise forms.ValidationError(_("Leave out the identity number: the reason is kept in the log."))
        return reason


@dataclass(frozen=True, slots=True)
class Consequence:
    """Part of what an approval would mean: a table under a title. A cell is text, or HTML marked safe.

    Without rows, `none` says so in place of "Nothing.".
    """

    title: str | Promise
    rows: Sequence[Sequence[Any]]
    columns: Sequence[Any] = ()
    none: str | Promise = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that is done to a row on a page of its own, which shows the row and asks for the reason.

    `act` takes the cleaned form, and may raise Refused. `refusal` says why the reader cannot, where that is known
    before. It ends on the row's page, or in the list.
    """

    title: Any
    button: Any
    done: Any
    act: Callable[[dict[str, Any]], object]
    refusal: Any = ""
    consequences: Callable[[], Sequence[Consequence]] = tuple
    form: Callable[..., ReasonForm] = ReasonForm
    leads_to: str = "change"


class Lists(admin.ModelAdmin):
    """Lists that can be narrowed only by what they declare, so that no address can probe other columns.

    `leads_to` holds (model's label, lookup, attribute): the lists under "see also" on the page of a row, each
    narrowed to the rows whose lookup equals this row's attribute. The admin there names it in `narrowed_by`.

    What is done to a row by a service of its own is a page (`take`); `refusals` has the words for the services'
    refusals, by code.
    """

    paginator = QuickPaginator
    show_full_result_count = False
    view_on_site = False
    list_per_page = 50
    narrowed_by: Sequence[str] = ()
    leads_to: Sequence[tuple[str, str, str]] = ()
    refusals: Mapping[str, Any] = {}

    class Media:
        css = {"all": ["admin-theme/pages.css"]}

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        return fields if obj else [one for one in fields if one != "see_also"]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        filters = [one[0] if isinstance(one, tuple | list) else one for one in self.get_list_filter(request)]
        declared = [one for one in [*filters, self.date_hierarchy] if isinstance(one, str)]
        own = {getattr(one, "parameter_name", None) for one in filters}
        return (
            lookup in own
            or lookup in self.narrowed_by
            or any(lookup == one or lookup.startswith(f"{one}__") for one in declared)
        )

    def log_reading(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Log that a row is read, where that is to be logged; return the page to go to first, if there is one."""
        return None

    def steps_of(self, request: HttpRequest, obj: Any) -> Sequence[tuple[str, Any]]:
        """The steps that the reader may take with a row: (end of the address's name, words of the link).

        They are shown where the page is `admin/steps.html`.
        """
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
            context |= {"steps": [(reverse(f"{name}_{step}", args=[obj.pk]), words) for step, words in steps]}
        return super().render_change_form(request, context, add, change, form_url, obj)

    def found(self, request: HttpRequest, object_id: str) -> Any:
        """The row of an address; raise Http404 if there is none."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        return obj

    def words(self, refused: Refused) -> Any:
        """What a refusal is called in the reader's language."""
        return self.refusals.get(refused.code) or refused.sentence or refused.code

    def take(self, request: HttpRequest, obj: Any, step: Step) -> HttpResponse:
        """Show the page of a step, and do it once its form is posted, in a transaction of its own.

        The caller has made sure that the reader has the right to it.
        """
        elsewhere = self.log_reading(request, obj)
        if elsewhere is not None:
            return elsewhere
        posted = request.POST if request.method == "POST" else None
        form, refusal, pk = step.form(posted), step.refusal, obj.pk
        if request.method == "POST" and form.is_valid():
            try:
                with transaction.atomic():
                    step.act(form.cleaned_data)
            except Refused as refused:
                refusal = self.words(refused)
            else:
                messages.success(request, step.done)
                name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{step.leads_to}"
                return HttpResponseRedirect(reverse(name, args=[pk] if step.leads_to == "change" else []))
        return self._show_step(request, obj, step, {"form": form, "refusal": refusal})

    def _show_step(self, request: HttpRequest, obj: Any, step: Step, context: dict[str, Any]) -> HttpResponse:
        shown = [one for one in self.get_fields(request, obj) if one not in ("next_version", "see_also")]
        form = self.get_form(request, obj, change=True, fields=[])(instance=obj)
        return TemplateResponse(
            request,
            "admin/step.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "media": self.media,
                "title": step.title,
                "button": step.button,
                "row": obj,
                "adminform": AdminForm(form, [(None, {"fields": shown})], {}, shown, model_admin=self),
                "consequences": step.consequences(),
                **context,
            },
        )

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
        made = super().get_form(request, obj, change=change, **kwargs)
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

    def record(self, request: HttpRequest, action: str, obj: Model, fields: Sequence[str] = ()) -> None:
        record(
            action=action,
            object_type=obj._meta.label_lower,
            object_id=obj.pk,
            actor=request.user,
            person_id=getattr(obj, "person_id", None),
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


class StateFilter(admin.SimpleListFilter):
    """Proposals, or what is in effect."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("proposed", _("proposed")), ("in_effect", _("in effect"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        wanted = {"proposed": True, "in_effect": False}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(approved_at__isnull=wanted)


class IsSetFilter(admin.EmptyFieldListFilter):
    """Whether a column holds anything, in words that fit days and moments."""

    def choices(self, changelist: Any) -> Any:
        for words, choice in zip((_("All"), _("No"), _("Yes")), super().choices(changelist), strict=True):
            count = choice["display"].rpartition(" (")[1:] if changelist.add_facets else ()
            yield {**choice, "display": "".join([str(words), *count])}


class FourEyesAdmin(VersionedAdmin):
    """Rows that one person proposes on the add page and another approves or drops on pages of their own.

    Subclasses say what a row's approval would mean (`consequences`), and may name services other than the plain ones
    (`propose_row`, `approve_row`, `drop_row`). Who may change such rows may approve them; the same person never their
    own, superusers included.
    """

    change_form_template = "admin/steps.html"
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

    @admin.display(description=_("state"), ordering="approved_at")
    def state(self, obj: FourEyes) -> Any:
        return _("in effect") if obj.in_effect else _("proposed")

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        change = get_permission_codename("change", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{change}")  # type: ignore[union-attr]

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
