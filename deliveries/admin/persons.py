"""A person's pages: search by number and reason, and all that is known, watched and told about the person.

No address holds an identity number: a search is posted, and a page stands under a token of the session. Each
search and each read is logged with its reason.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from benefits.admin import PROTECTED_RIGHT, percent, protection_of
from benefits.identity import IdentityError, masked, parse
from benefits.labels import section_name
from benefits.models import BenefitPeriod, Person, PersonFacts, PersonNumber
from benefits.services import person_of
from deliveries.admin.explain import ExplainForm
from deliveries.admin.persontimeline import SPANS, Seen, timeline
from deliveries.admin.replay import REPLAY_RIGHT, Asked, ReplayForm
from deliveries.explain import explain
from deliveries.models import Disclosure
from deliveries.recipients import recipients
from deliveries.spontaneous import told_about
from lefi.admin import ReadOnlyAdmin, ReasonForm
from lefi.audit.models import Action, record
from lefi.audit.reasons import open_person, opened
from subscriptions.models import Watch

NUMBERS_RIGHT = "benefits.view_personnumber"  # who may see identity numbers whole
MOST = 200  # rows of a kind on one page; lists hold the rest


class SearchForm(ReasonForm):
    number = forms.CharField(
        label=_("Identity number"),
        max_length=13,
        help_text=_("Personal identity number or coordination number, 10 or 12 digits."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "inputmode": "numeric"}),
    )
    field_order = ("number", "reason")

    def clean_number(self) -> str:
        try:
            return parse(self.cleaned_data["number"], on=timezone.localdate()).number
        except IdentityError as error:
            raise forms.ValidationError(_("This is not an identity number.")) from error


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin):
    """There is no list of persons: who is looked for is named, with a reason."""

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("search/", view(sensitive_post_parameters()(self.search)), name="benefits_person_search"),
            path("<uuid:token>/", view(self.page), name="benefits_person_page"),
            path("<uuid:token>/numbers/", view(self.numbers), name="benefits_person_numbers"),
            path("<uuid:token>/explain/", view(self.explain), name="benefits_person_explain"),
            path("<uuid:token>/replay/", view(self.replay), name="benefits_person_replay"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self._demand_right(request)
        return HttpResponseRedirect(reverse("admin:benefits_person_search"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for the reason, for those who come by a link from another row."""
        self._demand_right(request)
        person: Person = self.found(request, object_id)
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            page = self._opened(request, person, form.cleaned_data["reason"])
            return HttpResponseRedirect(_own_address(request, request.POST.get("next", "")) or page)
        context = {
            "form": form,
            "title": masked(person.first_number),
            "person": person,
            "next": request.GET.get("next", ""),
        }
        return self._render(request, "admin/benefits/person/ask.html", context)

    def search(self, request: HttpRequest) -> HttpResponse:
        """Look a person up by a number that was posted; every look-up is logged, without the number."""
        self._demand_right(request)
        form = SearchForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            person, reason = person_of(form.cleaned_data["number"]), form.cleaned_data["reason"]
            self._record(request, Action.SEARCH, person, reason, found=person is not None)
            if person is not None:
                return HttpResponseRedirect(self._opened(request, person, reason))
            form.add_error("number", _("Nobody here holds this identity number."))
        context = {"form": form, "title": _("Find a person"), "next": ""}
        return self._render(request, "admin/benefits/person/ask.html", context)

    def page(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """All about one person: what is known, by which import; who watches; who was told what."""
        about = partial(_known_about, span=request.GET.get("span", ""))
        return self._show(request, token, "admin/benefits/person/page.html", about)

    def numbers(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """The same page with the identity numbers whole, for who asks for them by a post and has the right to."""
        self._demand_right(request)
        if not request.user.has_perm(NUMBERS_RIGHT):  # type: ignore[union-attr]
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:benefits_person_page", args=[token]))

        def about(person: Person) -> dict[str, Any]:
            return _known_about(person, span="") | {"whole_numbers": True}

        return self._show(request, token, "admin/benefits/person/page.html", about, numbers="whole")

    def explain(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """Why a customer was told, or not, about the person on a day: customer and day are posted."""
        self._demand_right(request)
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:benefits_person_page", args=[token]))
        form = ExplainForm(request.POST)
        asked = form.cleaned_data if form.is_valid() else {}
        details = {"customer": asked["customer"].pk, "day": str(asked["day"])} if asked else {}

        def answer(person: Person) -> dict[str, Any]:
            return {"form": form, "explanation": explain(person=person, **asked) if asked else None}

        return self._show(request, token, "admin/benefits/person/explain.html", answer, **details)

    def replay(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """What a customer knew about the person at an instant, as the documents say: both are posted."""
        self._demand_right(request)
        if not request.user.has_perm(REPLAY_RIGHT):  # type: ignore[union-attr]
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseRedirect(reverse("admin:benefits_person_page", args=[token]))
        asked = Asked(request.POST)
        return self._show(request, token, "admin/benefits/person/replay.html", asked.answer, **asked.details)

    def _show(
        self,
        request: HttpRequest,
        token: UUID,
        template: str,
        about: Callable[[Person], dict[str, Any]],
        **details: Any,
    ) -> HttpResponse:
        """A page about the person whom a token stands for, unless protection forbids it; either way logged."""
        self._demand_right(request)
        found = opened(request.session, token, at=timezone.now())
        if found is None:
            raise Http404
        person = get_object_or_404(Person, pk=found.person_id)
        protection = protection_of(person.pk)
        withheld = bool(protection) and not request.user.has_perm(PROTECTED_RIGHT)
        self._record(request, Action.READ, person, found.reason, withheld=withheld, **details)
        context = {
            "title": masked(person.first_number),
            "person": person,
            "protection": protection,
            "reason": found.reason,
            "token": token,
        }
        if withheld:
            return self._render(request, "admin/benefits/person/withheld.html", context, status=403)
        return self._render(request, template, context | about(person))

    def _demand_right(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _opened(self, request: HttpRequest, person: Person, reason: str) -> str:
        token = open_person(request.session, person_id=person.pk, reason=reason, at=timezone.now())
        return reverse("admin:benefits_person_page", args=[token])

    def _record(self, request: HttpRequest, action: str, person: Person | None, reason: str, **details: Any) -> None:
        record(
            action=action,
            object_type="benefits.person",
            object_id=person.pk if person else "",
            actor=request.user,
            person_id=person.pk if person else None,
            reason=reason,
            **details,
        )

    def _render(self, request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, shared | context, status=status)


def _own_address(request: HttpRequest, address: str) -> str:
    """The address, if it is one of this site's; else nothing."""
    own = url_has_allowed_host_and_scheme(address, {request.get_host()}, request.is_secure())
    return address if own else ""


def _known_about(person: Person, *, span: str) -> dict[str, Any]:
    periods = list(BenefitPeriod.objects.filter(person=person)[: MOST + 1])
    named = [(section_name(period.section), period) for period in periods]
    disclosures = Disclosure.objects.about(person).select_related("customer", "watch", "delivery__stream__agreement")
    watched = Watch.objects.filter(person__in=person.same).select_related("stream__agreement__customer")
    watches = list(watched[:MOST])
    told, unasked = list(disclosures[:MOST]), list(told_about(person)[:MOST])
    shown, picture = timeline(Seen(periods[:MOST], watches, told, unasked), on=timezone.localdate(), span=span)
    return {
        "numbers": PersonNumber.objects.filter(person=person).order_by("-current", "-recorded_in"),
        "facts": PersonFacts.objects.filter(person=person).order_by("-recorded_in"),
        "periods": [(name, percent(period.extent), period) for name, period in named[:MOST]],
        "more_periods": len(periods) > MOST,
        "timeline": picture,
        "spans": [(key, words) for key, (words, _near) in SPANS.items()],
        "span": shown,
        "watches": watches,
        "disclosures": told,
        "recipients": recipients(person),
        "spontaneous": unasked,
        "explain_form": ExplainForm(),
        "replay_form": ReplayForm(),
    }
