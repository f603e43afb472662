"""The groups of the roles hold the rights of the table and no other: given and taken whenever a migrate is over.

So what the table has gained or lost is in force when a new version is installed, and no sooner.
"""

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions

from lefi.accounts.roles import ROLES


def give_rights(using: str) -> None:
    """Make each role's group where it is not, and give it just the rights of the table."""
    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    rows = permission_model.objects.using(using).values_list("pk", "content_type__app_label", "codename")
    known = {f"{app}.{codename}": pk for pk, app, codename in rows}
    for role in ROLES:
        group, _made = group_model.objects.using(using).get_or_create(name=role.code)
        group.permissions.set({known[right] for right in role.rights & known.keys()})


def last_app() -> AppConfig:
    """The last of the apps whose rights a migrate makes."""
    return [one for one in apps.get_app_configs() if one.models_module is not None][-1]


def after_migrate(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Called for the last app; its own rights are made first, should that not have been done yet."""
    create_permissions(sender, verbosity=0, using=using)
    give_rights(using)
