from typing import Any

import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


def own() -> Any:
    return models.OneToOneField(
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="+",
        serialize=False,
        to=settings.AUTH_USER_MODEL,
    )


def make_operators(apps: Any, schema_editor: Any) -> None:
    """Who ran the site so far is one of its staff from now on."""
    staff = apps.get_model("billing", "StaffMember").objects
    users = apps.get_model("auth", "User").objects.filter(is_superuser=True, is_active=True)
    for user in users.filter(staffmember=None):
        staff.create(user_id=user.pk, role="operator")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("billing", "0011_staff_and_invitations"),
    ]

    operations = [
        migrations.CreateModel(
            name="Preference",
            fields=[
                ("user", own()),
                ("language", models.CharField(blank=True, max_length=10)),
                ("theme", models.CharField(blank=True, max_length=5)),
            ],
        ),
        migrations.CreateModel(
            name="Shared",
            fields=[
                ("key", models.CharField(max_length=300, primary_key=True, serialize=False)),
                ("value", models.JSONField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="SignUp",
            fields=[
                ("user", own()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "tenant",
                    models.ForeignKey(null=True, on_delete=models.PROTECT, to="billing.tenant"),
                ),
            ],
        ),
        # Names are found however they are written (console/accounts/people.py).
        migrations.RunSQL(
            """
            CREATE INDEX auth_user_by_any_name ON auth_user (upper(username));
            CREATE INDEX auth_user_by_any_mail ON auth_user (upper(email));
            """,
            "DROP INDEX auth_user_by_any_name; DROP INDEX auth_user_by_any_mail;",
        ),
        migrations.RunPython(make_operators, migrations.RunPython.noop, elidable=True),
    ]
