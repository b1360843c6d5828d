from django.db import migrations, models

import common.vault


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_rate_windows"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="old_webhook_secret",
            field=common.vault.EncryptedTextField(blank=True),
        ),
        migrations.AddField(
            model_name="tenant",
            name="old_webhook_secret_expires_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="policy",
            field=models.CharField(
                choices=[("priority", "Priority"), ("cost", "Cost"), ("stability", "Stability")],
                default="priority",
                max_length=9,
            ),
        ),
    ]
