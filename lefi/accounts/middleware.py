"""Nobody of whom a second factor is asked gets further without one than to the page where it is set up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from lefi.accounts.factors import lacks_factor


class SecondFactor:
    """The own account and the choice of language stay within reach."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.open = (reverse("account_login").removesuffix("login/"), reverse("set_language"))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(self.open) and lacks_factor(request):
            return redirect("account_second_factor")
        return self.get_response(request)
