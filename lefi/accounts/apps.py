from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from lefi.accounts.granting import after_migrate, last_app

# What the libraries have not named in Swedish, or not as we do: what one is called, and several.
NAMES: dict[str, tuple[Promise, Promise]] = {
    "mfa.Authenticator": (_("second factor"), _("second factors")),
    "usersessions.UserSession": (_("login in use"), _("logins in use")),
    "oauth2_provider.Application": (_("registered system"), _("registered systems")),
}
APP_NAMES = {"auth": _("Groups"), "mfa": _("Second factors"), "usersessions": _("Logins in use")}
APP_NAMES |= {"oauth2_provider": _("Registered systems")}


class AccountsConfig(AppConfig):
    name = "lefi.accounts"
    label = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        """Give the libraries' rows our words, unseen by migrations; and the roles their rights after each migrate."""
        for label, (one, several) in NAMES.items():
            options = apps.get_model(label)._meta
            options.verbose_name, options.verbose_name_plural = one, several
        for label, name in APP_NAMES.items():
            apps.get_app_config(label).verbose_name = name
        post_migrate.connect(after_migrate, sender=last_app(), dispatch_uid="give-rights")
