"""How people log in: nobody signs up; who may enter has been let in beforehand."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

IDENTITY_CLAIMS = ("personnummer", "personal_number", "personalNumber", "civicNumber", "birthdate", "id_token")


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Keep no identity number of the person who logs in."""
        data = sociallogin.account.extra_data
        for holder in (data, data.get("userinfo", {})):
            for claim in IDENTITY_CLAIMS:
                holder.pop(claim, None)
