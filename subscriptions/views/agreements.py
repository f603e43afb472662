"""The portal's pages about a customer's agreements: what they cover, the document, signing, and notices."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lefi.errors import Refused
from lefi.paging import BoundedPaginator
from subscriptions import agreementpdf, agreementtext, connections, desks, notices
from subscriptions.coverage import covered_by
from subscriptions.forms.agreements import SignForm
from subscriptions.models import Agreement, Member, Notice

PER_PAGE = 20


@login_required
@require_GET
def agreement_list(request: HttpRequest) -> HttpResponse:
    agreements = Agreement.objects.visible_to(request.user).select_related("customer").order_by("-id")
    page = BoundedPaginator(agreements, PER_PAGE).get_page(request.GET.get("page"))
    covered = covered_by(list(page))
    rows = [(agreement, covered[agreement.pk]) for agreement in page]
    return render(request, "portal/agreement_list.html", {"page": page, "rows": rows})


@login_required
@require_GET
def agreement_detail(request: HttpRequest, pk: int) -> HttpResponse:
    agreement = get_object_or_404(_of(Agreement.objects.visible_to(request.user)), pk=pk)
    return _page(request, agreement, SignForm(initial={"document_sha256": agreement.document_sha256}))


@login_required
@require_GET
def agreement_document(request: HttpRequest, pk: int) -> HttpResponse:
    """The document alone, made to print."""
    agreement = _readable_or_404(request, pk)
    return render(request, "portal/agreement_document.html", _document(agreement))


@login_required
@require_GET
def agreement_pdf(request: HttpRequest, pk: int) -> HttpResponse:
    agreement = _readable_or_404(request, pk)
    made = agreementtext.shown(agreement)
    at = agreement.sent_at or timezone.now()
    content = agreementpdf.render(made, signatures=agreementtext.signatures(agreement), at=at)
    name = f"avtal-{slugify(agreement.code)}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@login_required
@require_POST
def agreement_sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Sign for the customer, as one of its administrators."""
    agreement = get_object_or_404(_of(Agreement.objects.visible_to(request.user)), pk=pk)
    if not _may_sign(request, agreement):
        raise PermissionDenied
    form = SignForm(request.POST)
    if not form.is_valid():
        return _page(request, agreement, form)
    try:
        connections.sign_for_customer(
            agreement=agreement,
            signatory=form.cleaned_data["signatory"],
            document_sha256=form.cleaned_data["document_sha256"],
            signature="portal",
            at=timezone.now(),
            user=request.user,
        )
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, _("Agreement %(code)s is signed for your organisation.") % {"code": agreement.code})
    return redirect("portal:agreement-detail", pk=agreement.pk)


@login_required
@require_GET
def notice_list(request: HttpRequest) -> HttpResponse:
    """All that the user's customers have been told, the newest first."""
    told = Notice.objects.visible_to(request.user).select_related("customer").order_by("-at", "-pk")
    page = BoundedPaginator(told, PER_PAGE).get_page(request.GET.get("page"))
    said = notices.said(page, read_at=desks.notices_read_at(request.user))
    context = {"page": page, "notices": said, "unread": notices.unread_by(request.user)}
    return render(request, "portal/notice_list.html", context)


@login_required
@require_POST
def notices_read(request: HttpRequest) -> HttpResponse:
    """Mark the notices there are as read by the user."""
    desks.read_notices(user=request.user, at=timezone.now())
    return redirect("portal:notice-list")


def _page(request: HttpRequest, agreement: Agreement, form: SignForm) -> HttpResponse:
    to_sign = agreement.status == Agreement.Status.SENT
    context = {
        "covers": covered_by([agreement])[agreement.pk],
        "to_sign": to_sign,
        "form": form if to_sign and _may_sign(request, agreement) else None,
    }
    return render(request, "portal/agreement_detail.html", context | _document(agreement))


def _document(agreement: Agreement) -> dict[str, object]:
    return {
        "agreement": agreement,
        "document": agreementtext.shown(agreement),
        "signatures": agreementtext.signatures(agreement),
    }


def _of(agreements: QuerySet[Agreement]) -> QuerySet[Agreement]:
    return agreements.select_related("customer")


def _readable_or_404(request: HttpRequest, pk: int) -> Agreement:
    """An agreement of the user's customers, or any for staff who may see agreements."""
    staff = request.user.has_perm("subscriptions.view_agreement")
    agreements = Agreement.objects.all() if staff else Agreement.objects.visible_to(request.user)
    return get_object_or_404(_of(agreements), pk=pk)


def _may_sign(request: HttpRequest, agreement: Agreement) -> bool:
    members = Member.objects.filter(customer=agreement.customer, role=Member.Role.ADMINISTRATOR)
    return members.filter(user_id=request.user.pk).exists()  # type: ignore[misc]
