"""The groups of the staff's roles. Their rights are those of the table, given whenever a migrate is over."""

from django.db import migrations

ROLES = (
    "connection_officer",
    "approver",
    "operator",
    "lawyer",
    "data_protection_officer",
    "support",
    "auditor",
)


def make(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name in ROLES:
        groups.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
