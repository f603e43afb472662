"""The steps of an application that has been begun. Whoever has its address can leave it and come back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from benefits.labels import benefit_name
from lefi.limits import within_limit
from subscriptions import connections
from subscriptions.forms.connections import PAGES, LinkForm, Page, PageForm, page_of
from subscriptions.labels import basis_title
from subscriptions.models import Connection, ConnectionDraft, LegalBasis
from subscriptions.offers import offers
from subscriptions.scopes import Fault

APPLICATIONS_AN_HOUR = 10  # from one address
MAILS_AN_HOUR = 3  # to one address, and of one draft
SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Mark:
    """A step as the head of each shows it: done, now or to come."""

    slug: str
    title: str | Promise
    state: str


def of_a_draft(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page of a draft that is there; else one that says it is not."""

    @wraps(view)
    def page(request: HttpRequest, token: UUID, **kwargs: Any) -> HttpResponse:
        draft = connections.find_draft(token, timezone.now())
        if draft is None:
            return render(request, "connect/gone.html", status=404)
        return view(request, draft, token, **kwargs)

    return never_cache(page)


@of_a_draft
def draft(request: HttpRequest, draft: ConnectionDraft, token: UUID) -> HttpResponse:
    """Go on where something is left to do."""
    marks = _marks(draft, "", _faults(draft))
    left = next((one for one in marks if one.state != "done"), marks[-1])
    return redirect(_address(token, left.slug))


@require_http_methods(["GET", "POST"])
@of_a_draft
def draft_page(request: HttpRequest, draft: ConnectionDraft, token: UUID, slug: str) -> HttpResponse:
    """Fill in a step. What is right is kept, also where something else is not, or is left for later."""
    page = _page_or_404(slug)
    form = _form(draft, page, request.POST if request.method == "POST" else None)
    if request.method == "GET":
        return _show(request, draft, token, page, form)
    connections.save_draft(draft=draft, values=form.kept, at=timezone.now())
    if "later" in request.POST:
        return redirect("connect-later", token=token)
    if form.is_valid():
        form.refuse(fault for fault in _faults(draft) if page_of(fault[0]) is page)
    if form.errors:
        return _show(request, draft, token, page, form)
    return redirect(_address(token, _after(page)))


@require_http_methods(["GET", "POST"])
@of_a_draft
def draft_summary(request: HttpRequest, draft: ConnectionDraft, token: UUID) -> HttpResponse:
    """See all that has been filled in and how it has been looked over; and send it."""
    if request.method == "GET":
        return _summary(request, draft, token, _faults(draft))
    if not within_limit("connect", get_adapter().get_client_ip(request), most=APPLICATIONS_AN_HOUR):
        return render(request, "connect/too_many.html", {"code": "TOO_MANY_REQUESTS"}, status=429)
    by = request.user if request.user.is_authenticated else None
    try:
        connection = connections.send_draft(draft=draft, by=by, at=timezone.now())
    except connections.ConnectionRefused as refusal:
        return _summary(request, draft, token, refusal.faults)
    return redirect("connect-status", token=connection.token)


@require_http_methods(["GET", "POST"])
@of_a_draft
def draft_later(request: HttpRequest, draft: ConnectionDraft, token: UUID) -> HttpResponse:
    """Show the address that the draft is gone on with at, and mail it to whom the applicant says."""
    address = request.build_absolute_uri(reverse("connect-draft", args=[token]))
    form = LinkForm(request.POST or None, initial={"email": draft.values.get("contact_email", "")})
    if request.method == "POST" and form.is_valid():
        to = form.cleaned_data["email"]
        if not _may_mail(request, token, to):
            return render(request, "connect/too_many.html", {"code": "TOO_MANY_REQUESTS"}, status=429)
        if connections.mail_draft(to=to, address=address, at=timezone.now()):
            messages.success(request, _("The address has been mailed to %(to)s.") % {"to": to})
        else:
            messages.error(request, _("The mail could not be sent. Keep the address yourself."))
        return redirect("connect-later", token=token)
    return render(request, "connect/later.html", {"draft": draft, "token": token, "address": address, "form": form})


@require_POST
@of_a_draft
def draft_throw_away(request: HttpRequest, draft: ConnectionDraft, token: UUID) -> HttpResponse:
    connections.throw_away_draft(draft)
    messages.success(request, _("The draft has been thrown away."))
    return redirect("connect")


def _show(request: HttpRequest, draft: ConnectionDraft, token: UUID, page: Page, form: PageForm) -> HttpResponse:
    place = PAGES.index(page)
    context = {
        "form": form,
        "page": page,
        "kind": draft.values["kind"],
        "token": token,
        "draft": draft,
        "marks": _marks(draft, page.slug, _faults(draft)),
        "number": place + 1,
        "total": len(PAGES) + 1,
        "back": _address(token, PAGES[place - 1].slug) if place else "",
    }
    return render(request, f"connect/page_{page.slug}.html", context)


def _summary(request: HttpRequest, draft: ConnectionDraft, token: UUID, faults: list[Fault]) -> HttpResponse:
    context = {
        "sections": [(page, _rows(draft, page), _of(page, faults)) for page in PAGES],
        "faults": faults,
        "checks": connections.look_over(draft.values, timezone.now()),
        "kind": draft.values["kind"],
        "token": token,
        "draft": draft,
        "marks": _marks(draft, SUMMARY, faults),
        "number": len(PAGES) + 1,
        "total": len(PAGES) + 1,
        "back": _address(token, PAGES[-1].slug),
    }
    return render(request, "connect/summary.html", context)


def _form(draft: ConnectionDraft, page: Page, data: Any) -> PageForm:
    annexes = connections.annexes_needed(connections.filled_in(draft.values))
    offered = offers(draft.values["kind"], timezone.localdate()) if "parts" in page.fields else []
    return PageForm(data, page=page, values=draft.values, offered=offered, annexes=annexes)


def _faults(draft: ConnectionDraft) -> list[Fault]:
    return connections.faults_in(draft.values, timezone.now())


def _of(page: Page, faults: list[Fault]) -> list[Fault]:
    return [fault for fault in faults if page_of(fault[0]) is page]


def _marks(draft: ConnectionDraft, here: str, faults: list[Fault]) -> list[Mark]:
    """Each step: done once it has been saved and nothing in it hinders the application."""

    def state(page: Page) -> str:
        if page.slug == here:
            return "now"
        saved = any(name in draft.values for name in page.fields)
        return "done" if saved and not _of(page, faults) else "waiting"

    summary = Mark(SUMMARY, _("Summary"), "now" if here == SUMMARY else "waiting")
    return [*(Mark(page.slug, page.title, state(page)) for page in PAGES), summary]


def _rows(draft: ConnectionDraft, page: Page) -> list[tuple[str, str]]:
    """What has been filled in at a step, as label and text."""
    values = draft.values
    if "parts" in page.fields:
        codes = [part["basis"] for part in values.get("parts", ())]
        titles = {basis.code: basis_title(basis) for basis in LegalBasis.objects.newest().filter(code__in=codes)}
        return [
            (titles.get(part["basis"], part["basis"]), ", ".join(map(benefit_name, part["benefits"])))
            for part in values.get("parts", ())
        ]
    if "annexes" in page.fields:
        said = values.get("annexes", {})
        needed = connections.annexes_needed(connections.filled_in(values))
        return [(str(one.label), said.get(one) or _("to be sent in")) for one in needed]
    connection = connections.filled_in(values)
    return [(_label(name), _text(connection, name)) for name in page.fields if values.get(name) not in (None, "")]


def _label(name: str) -> str:
    return capfirst(str(Connection._meta.get_field(name).verbose_name))  # type: ignore[union-attr]


def _text(connection: Connection, name: str) -> str:
    return capfirst(connection.get_channel_display()) if name == "channel" else str(getattr(connection, name))


def _after(page: Page) -> str:
    place = PAGES.index(page) + 1
    return PAGES[place].slug if place < len(PAGES) else SUMMARY


def _address(token: UUID, slug: str) -> str:
    if slug == SUMMARY:
        return reverse("connect-summary", args=[token])
    return reverse("connect-page", args=[token, slug])


def _page_or_404(slug: str) -> Page:
    page = next((one for one in PAGES if one.slug == slug), None)
    if page is None:
        raise Http404
    return page


def _may_mail(request: HttpRequest, token: UUID, to: str) -> bool:
    """Nobody is mailed to often because strangers ask for it."""
    asked = (("connect-mail", str(token)), ("connect-mail-to", to.casefold()))
    counted = [within_limit(action, who, most=MAILS_AN_HOUR) for action, who in asked]
    return all(counted) and within_limit("connect-mail-from", get_adapter().get_client_ip(request), most=10)
