"""The demo's logins, in a file that only its owner can read: passwords and secrets stand hashed in the database."""

import os
from pathlib import Path

from django.conf import settings

from deliveries.demo import late
from deliveries.demo.cast import LOGINS
from deliveries.demo.setting import Secret

ADDRESS = "http://127.0.0.1:8000"


def path() -> Path:
    return settings.VAR_DIR / "demo-logins.txt"


def write(secrets: list[Secret]) -> str:
    """Keep the logins, and return them as text for people."""
    text = _text(secrets)
    target = path()
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return text


def _text(secrets: list[Secret]) -> str:
    people = [one for one in secrets if not one.client]
    systems = [one for one in secrets if one.client]
    staff = {one.username for one in LOGINS if not one.customer}
    lines = ["People"]
    for one in people:
        door = f"{ADDRESS}/admin/" if one.name in staff else f"{ADDRESS}/"
        lines.append(f"  {one.name:<13} {one.secret}   {door:<30} {one.who}")
    lines += ["", "Systems: client id and secret"]
    for one in systems:
        lines += [f"  {one.who}", f"    {one.name} {one.secret}"]
    return "\n".join([*lines, "", *_file_example(), "", *_example(systems[0]), ""])


def _file_example() -> list[str]:
    return [
        f"A file of new watches and faults, to send as integration at {ADDRESS}/orders/file/:",
        f"  {late.path()}",
    ]


def _example(system: Secret) -> list[str]:
    """How a system of the first customer lists its streams."""
    return [
        f"The API, described at {ADDRESS}/api/v1/docs/, as {system.who}:",
        f"  TOKEN=$(curl -s -u '{system.name}:{system.secret}' -d grant_type=client_credentials "
        f"-d 'scope=orders deliveries' {ADDRESS}/oauth/token/ "
        "| python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')",
        f'  curl -s -H "Authorization: Bearer $TOKEN" {ADDRESS}/api/v1/streams/',
    ]
