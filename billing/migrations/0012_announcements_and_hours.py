"""Announcements, and roll-ups of the ledger for figures.

What was rolled up so far is forgotten: the next ticks add up the whole ledger anew, the new tables
together with UsageDay. Whoever reads meanwhile reads the entries themselves.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_staff_and_invitations"),
    ]

    operations = [
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                (
                    "level",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("danger", "Danger")],
                        default="info",
                        max_length=7,
                    ),
                ),
                (
                    "starts_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "audience",
                    models.CharField(
                        choices=[("all", "All"), ("groups", "Groups"), ("tenants", "Tenants")],
                        default="all",
                        max_length=7,
                    ),
                ),
                ("created_by", models.CharField(max_length=150)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "groups",
                    models.ManyToManyField(blank=True, related_name="+", to="billing.group"),
                ),
                (
                    "tenants",
                    models.ManyToManyField(blank=True, related_name="+", to="billing.tenant"),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True),
                            ("ends_at__gt", models.F("starts_at")),
                            _connector="OR",
                        ),
                        name="announcement_ends_after_its_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageHour",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("submits", models.IntegerField(help_text="How many drawings were begun.")),
                ("successes", models.IntegerField(help_text="How many were paid.")),
                (
                    "failures",
                    models.IntegerField(help_text="How many came to nothing, and were free."),
                ),
                (
                    "revenue",
                    models.BigIntegerField(
                        help_text="What was paid. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "refunds",
                    models.IntegerField(
                        help_text="How many payments were given back, or parts of them."
                    ),
                ),
                (
                    "refunded",
                    models.BigIntegerField(
                        help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "cost",
                    models.BigIntegerField(
                        help_text="What channels take, as far as known. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "cost_unknown",
                    models.IntegerField(help_text="How many captures have no known cost."),
                ),
                ("hour", models.DateTimeField(help_text="When it began (UTC).")),
                ("price_name", models.CharField(blank=True, max_length=64)),
                ("mode", models.CharField(blank=True, max_length=8)),
                (
                    "wallet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="billing.wallet",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("hour"), name="usage_by_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("wallet"),
                        models.F("hour"),
                        models.F("price_name"),
                        models.F("mode"),
                        name="usage_hour_is_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("submits", models.IntegerField(help_text="How many drawings were begun.")),
                ("successes", models.IntegerField(help_text="How many were paid.")),
                (
                    "failures",
                    models.IntegerField(help_text="How many came to nothing, and were free."),
                ),
                (
                    "revenue",
                    models.BigIntegerField(
                        help_text="What was paid. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "refunds",
                    models.IntegerField(
                        help_text="How many payments were given back, or parts of them."
                    ),
                ),
                (
                    "refunded",
                    models.BigIntegerField(
                        help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "cost",
                    models.BigIntegerField(
                        help_text="What channels take, as far as known. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "cost_unknown",
                    models.IntegerField(help_text="How many captures have no known cost."),
                ),
                ("day", models.DateField()),
                (
                    "wallet",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="billing.wallet",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(models.F("day"), name="usage_total_by_day")],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("wallet"), models.F("day"), name="usage_total_is_unique"
                    )
                ],
            },
        ),
        migrations.RunSQL(
            "TRUNCATE billing_usageday; UPDATE billing_usagemark SET entry_id = 0",
            migrations.RunSQL.noop,
        ),
    ]
