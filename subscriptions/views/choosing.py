"""For which unit and purpose: how the portal's pages begin that order in a stream, or compare what stands in one."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from subscriptions.forms.orders import StreamChoice
from subscriptions.models import Agreement, Customer, Stream

LONGEST = 18  # digits of an id, which the database is sure to hold


def open_streams(customers: QuerySet[Customer]) -> QuerySet[Stream]:
    """The streams of customers that can be ordered in."""
    streams = Stream.objects.filter(agreement__customer__in=customers, closed=False)
    return (
        streams.filter(agreement__status=Agreement.Status.ACTIVE).select_related("agreement__customer").order_by("pk")
    )


def handled_customers(request: HttpRequest) -> QuerySet[Customer]:
    """The units whose files the user looks after. Raise PermissionDenied if there is none."""
    customers: QuerySet[Customer] = Customer.objects.handled_by(request.user)
    if not customers.exists():
        raise PermissionDenied
    return customers


def handled_streams(request: HttpRequest) -> QuerySet[Stream]:
    """The streams where the user may order by files and about everybody. Raise PermissionDenied if nowhere."""
    return open_streams(handled_customers(request))


def chosen(request: HttpRequest, streams: QuerySet[Stream]) -> Stream | None:
    """The stream that the page names, or else the only one there is."""
    asked = request.POST.get("stream") or request.GET.get("stream") or ""
    if asked:
        if not asked.isdecimal() or len(asked) > LONGEST:
            raise Http404
        return get_object_or_404(streams, pk=int(asked))
    first = list(streams[:2])
    return first[0] if len(first) == 1 else None


def choose(request: HttpRequest, streams: QuerySet[Stream], title: str, template: str = "order_stream") -> HttpResponse:
    form = StreamChoice(streams=streams)
    context = {"form": form, "title": title, "any": streams.exists()}
    return render(request, f"portal/{template}.html", context)


def page(
    request: HttpRequest, template: str, form: Any, stream: Stream, streams: QuerySet[Stream], **more: Any
) -> HttpResponse:
    context = {"form": form, "stream": stream, "several": streams.count() > 1}
    return render(request, template, context | more)
