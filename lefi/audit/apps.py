from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.utils.translation import gettext_lazy as _

from lefi.folding import teach


class AuditConfig(AppConfig):
    name = "lefi.audit"
    label = "audit"
    verbose_name = _("Audit")

    def ready(self) -> None:
        connection_created.connect(teach)
