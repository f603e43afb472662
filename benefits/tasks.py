"""Imports in the background. A task may be lost or run twice: a published import is refused as a duplicate."""

from pathlib import Path

import structlog
from celery import shared_task
from django.utils import timezone

from benefits.importfile import ImportRefused
from benefits.services import import_file

log = structlog.get_logger(__name__)


@shared_task
def import_benefits(manifest: str) -> None:
    """Take in the import whose manifest stands at a path; the row keeps the reason of a refusal."""
    try:
        import_file(manifest_path=Path(manifest), at=timezone.now())
    except ImportRefused as refusal:
        log.warning("import_task_refused", code=refusal.code)
