"""The steps of a login that are not allauth's own."""

from typing import Any

from allauth.mfa.stages import AuthenticateStage

from lefi.accounts.factors import came_by_broker


class SecondFactorStage(AuthenticateStage):
    """Asks for the second factor, but of those whom a broker has vouched for."""

    def handle(self) -> tuple[Any, bool]:
        return (None, True) if came_by_broker(self.request, self.login.user) else super().handle()
