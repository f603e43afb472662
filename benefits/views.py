"""The catalogue in public: as the file that everything follows from, and as pages to read."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from benefits import reference
from benefits.catalogue import DATA, catalogue
from benefits.presentation import label_of
from lefi.languages import language
from lefi.masking import mask_identity_numbers

LONGEST = 60  # letters of a search


@require_safe
@cache_control(public=True, max_age=3600)
def catalogue_file(request: HttpRequest) -> HttpResponse:
    return HttpResponse(DATA.read_bytes(), content_type="application/json")


@require_safe
def reference_index(request: HttpRequest) -> HttpResponse:
    """All sections, benefits and field classes, and what a search finds in them.

    What is searched for stands in the address, where an identity number must never be: one is thrown away.
    """
    text = request.GET.get("q", "").strip()[:LONGEST]
    if mask_identity_numbers(text) != text:
        return redirect("reference")
    context = {
        "text": text,
        "hits": reference.search(catalogue(), text, language()),
        "most": reference.MOST_HITS,
        "version": catalogue().version,
        "sections": reference.sections(catalogue(), language()),
        "benefits": reference.benefits(catalogue(), language()),
        "classes": reference.classes(catalogue(), language()),
    }
    return render(request, "reference/index.html", context)


@require_safe
def reference_section(request: HttpRequest, name: str) -> HttpResponse:
    """One section with its fields. 404 for a name that the catalogue does not have."""
    section = catalogue().sections.get(name)
    if section is None:
        raise Http404
    context = {
        "section": section,
        "label": label_of(section, language()),
        "benefits": [(one, label_of(one, language())) for one in catalogue().benefits_of(name)],
        "rows": list(reference.rows(catalogue(), section, language())),
    }
    return render(request, "reference/section.html", context)
