"""The legal bases as they stood when the service began; later versions are added as rows, by two people."""

import json
from pathlib import Path

from django.db import migrations
from django.utils import timezone

SEED = Path(__file__).resolve().parent.parent / "legal_bases.json"


def load(apps, schema_editor):
    LegalBasis = apps.get_model("subscriptions", "LegalBasis")
    now = timezone.now()
    for row in json.loads(SEED.read_text(encoding="utf-8"))["bases"]:
        LegalBasis.objects.create(
            code=row["code"],
            version=row["version"],
            title_sv=row["title"]["sv"],
            title_en=row["title"]["en"],
            citations=row["citations"],
            recipient_kinds=row["recipient_kinds"],
            purpose=row["purpose"] or "",
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            status=row["status"],
            service=row["service"],
            consent_needed=row["consent_needed"],
            needs=row["needs"],
            owners=row["owners"],
            benefits=row["benefits"],
            classes=row["classes"],
            agreement_classes=row["agreement_classes"],
            outcomes=row["outcomes"],
            fee=row["fee"],
            use_instead=row["use_instead"] or "",
            note_sv=row["notes"]["sv"],
            note_en=row["notes"]["en"],
            ours=row["ours"],
            protection=row["protection"],
            protection_days=row["protection_days"],
            reconfirm_days=row["reconfirm_days"],
            approved_at=now,  # as installed
        )


class Migration(migrations.Migration):
    dependencies = [("subscriptions", "0002_law_log")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
