from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("common", "0005_audit"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["deed", "id"], name="audit_by_deed"),
        ),
    ]
