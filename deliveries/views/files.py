"""A delivery as files: the document itself, the same as JSON and as a table, and what was signed about it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_POST

from deliveries import jsonform, services, tableform
from deliveries.models import Delivery
from deliveries.views.gate import may_take_files, refused, visible_or_404
from lefi.audit.models import Action, record
from lefi.languages import language

XML = "xml"
OTHER_FORMS: dict[str, tuple[str, Callable[[Path], Iterator[str]]]] = {
    "json": ("application/json", jsonform.to_json),
    "csv": ("text/csv; charset=utf-8", lambda path: tableform.to_csv(path, language())),
}


@login_required
@require_POST
def delivery_file(request: HttpRequest, pk: int) -> HttpResponse | FileResponse | StreamingHttpResponse:
    """The document in one of its forms, for members with the role integration."""
    delivery = visible_or_404(request, pk)
    form = request.POST.get("form", XML)
    if form != XML and form not in OTHER_FORMS:
        raise Http404
    if not may_take_files(request, delivery):
        raise PermissionDenied
    try:
        path = services.fetch(delivery=delivery, at=timezone.now(), user=request.user)
    except services.FetchRefused as refusal:
        return refused(request, delivery, refusal)
    record(
        action=Action.FETCH,
        object_type=delivery._meta.label_lower,
        object_id=delivery.pk,
        actor=request.user,
        customer_id=delivery.stream.agreement.customer_id,
        reason="portal file",
        form=form,
        lines=delivery.persons,
    )
    name = _name(delivery, form)
    if form == XML:
        return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/xml")
    media_type, write = OTHER_FORMS[form]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(write(path), content_type=media_type, headers=headers)


@login_required
@require_GET
def delivery_manifest(request: HttpRequest, pk: int) -> HttpResponse:
    """What was signed about the delivery when it was released. It names no person, and reading it is no fetch."""
    delivery = visible_or_404(request, pk)
    headers = {"Content-Disposition": f'attachment; filename="{_name(delivery, "jws")}"'}
    return HttpResponse(delivery.manifest.jws, content_type="application/jose", headers=headers)


def _name(delivery: Delivery, form: str) -> str:
    return f"lefi-{slugify(str(delivery.stream))}-{delivery.number:05}.{form}"
