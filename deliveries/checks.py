"""What `check --deploy` looks at beside Django's own."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

KEY_AT_FIRST_USE = Warning(
    "The system makes itself a key to sign deliveries with, without notice.",
    hint="Set SIGNING_KEYS_DIR to a folder that all processes share, and run `manage.py signing_keys new --now`.",
    id="deliveries.W001",
)


def keys_are_announced(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Where there are partners, a key is made by somebody, and published before it signs."""
    return [KEY_AT_FIRST_USE] if settings.SIGNING_KEY_AT_FIRST_USE else []
