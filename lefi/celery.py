"""The Celery app. Tasks carry ids; the rows are the truth."""

import os

from celery import Celery
from celery.signals import setup_logging
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lefi.settings")

app = Celery("lefi")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()


@setup_logging.connect
def use_the_logging_of_the_settings(**kwargs):
    """Keep Celery from replacing our handlers: theirs do not mask identity numbers."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
