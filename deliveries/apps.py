from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as installed
from django.core.checks import Tags, register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from deliveries.checks import keys_are_announced


class DeliveriesConfig(AppConfig):
    name = "deliveries"
    verbose_name = _("Deliveries")

    def ready(self) -> None:
        register(keys_are_announced, Tags.security, deploy=True)
        post_migrate.connect(_forget_what_the_gate_answered, sender=self)


def _forget_what_the_gate_answered(using: str, apps: Apps = installed, **_: Any) -> None:
    """A new version of the program may be stricter: it asks of everything anew."""
    with suppress(LookupError):  # of a version that has no such table
        apps.get_model("deliveries", "GateAnswer").objects.using(using).all().delete()
