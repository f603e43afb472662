from django.db import migrations, models
from django.db.models import CASCADE


class Migration(migrations.Migration):
    dependencies = [("deliveries", "0003_purging")]

    operations = [
        migrations.RenameModel("FoundAllowed", "GateAnswer"),
        migrations.AlterModelOptions(
            "gateanswer", {"verbose_name": "gate's answer", "verbose_name_plural": "gate's answers"}
        ),
        migrations.AddField("gateanswer", "refused", models.JSONField(default=dict, verbose_name="refused")),
        migrations.AlterField(
            "gateanswer",
            "delivery",
            models.OneToOneField(
                on_delete=CASCADE,
                primary_key=True,
                related_name="gate_answer",
                serialize=False,
                to="deliveries.delivery",
            ),
        ),
    ]
