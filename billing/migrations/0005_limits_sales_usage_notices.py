import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_test_wallets_and_drafts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CodeBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="What each code is worth. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("is_active", models.BooleanField(default=True)),
                ("created_by", models.CharField(blank=True, max_length=150)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "way",
                    models.CharField(choices=[("mail", "Mail"), ("hook", "Hook")], max_length=4),
                ),
                ("address", models.CharField(max_length=2000)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("given_up", "Given Up"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("tries", models.SmallIntegerField(default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), null=True
                    ),
                ),
                ("error", models.CharField(blank=True, max_length=500)),
            ],
        ),
        migrations.CreateModel(
            name="LowBalance",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                ("is_below", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="ManagementKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("finance", "Finance"),
                            ("developer", "Developer"),
                            ("viewer", "Viewer"),
                            ("operator", "Operator"),
                            ("support", "Support"),
                            ("finance", "Finance"),
                        ],
                        max_length=9,
                    ),
                ),
                ("prefix", models.CharField(max_length=16)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_by", models.CharField(blank=True, max_length=150)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("finance", "Finance"),
                            ("developer", "Developer"),
                            ("viewer", "Viewer"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(help_text="Dotted, e.g. balance.low.", max_length=40)),
                ("subject", models.CharField(max_length=200)),
                ("text", models.TextField()),
                ("data", models.JSONField(default=dict)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RedemptionCode",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "prefix",
                    models.CharField(help_text="Its start, to recognise it by.", max_length=8),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                ("redeemed_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="TopUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.CharField(help_text="The order number.", max_length=32, unique=True),
                ),
                ("provider", models.CharField(max_length=16)),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="What is credited. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "pay_amount",
                    models.BigIntegerField(
                        help_text="What is to be paid, in the currency's cents."
                    ),
                ),
                ("pay_currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("paid", "Paid"),
                            ("disputed", "Disputed"),
                            ("expired", "Expired"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("provider_reference", models.CharField(blank=True, max_length=200)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("created_by", models.CharField(blank=True, max_length=150)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("hold", "Hold"),
                            ("capture", "Capture"),
                            ("release", "Release"),
                            ("refund", "Refund"),
                            ("topup", "Topup"),
                            ("adjust", "Adjust"),
                        ],
                        max_length=8,
                    ),
                ),
                ("price_name", models.CharField(blank=True, max_length=64)),
                ("mode", models.CharField(blank=True, max_length=8)),
                ("channel", models.BigIntegerField(null=True)),
                ("number", models.IntegerField(help_text="How many entries.")),
                (
                    "amount",
                    models.BigIntegerField(
                        help_text="Their amounts. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "held",
                    models.BigIntegerField(
                        help_text="Their held money. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "cost",
                    models.BigIntegerField(
                        help_text="Their costs, as far as known. Micro-units: 1,000,000 = 1.00 of the site's currency."
                    ),
                ),
                (
                    "cost_unknown",
                    models.IntegerField(help_text="How many captures have no known cost."),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UsageMark",
            fields=[
                (
                    "wallet",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        serialize=False,
                        to="billing.wallet",
                    ),
                ),
                ("entry_id", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="entry",
            name="entry_happens_once",
        ),
        migrations.RemoveConstraint(
            model_name="pricerule",
            name="price_rule_is_unique_in_its_book",
        ),
        migrations.AddField(
            model_name="entry",
            name="channel",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="entry",
            name="cost",
            field=models.BigIntegerField(
                help_text="What the channel takes for it; empty: not known. Micro-units: 1,000,000 = 1.00 of the site's currency.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="mode",
            field=models.CharField(blank=True, db_default="", max_length=8),
        ),
        migrations.AddField(
            model_name="entry",
            name="price_name",
            field=models.CharField(blank=True, db_default="", max_length=64),
        ),
        migrations.AddField(
            model_name="pricebook",
            name="created_by",
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name="pricebook",
            name="origin",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.pricebook",
            ),
        ),
        migrations.AddField(
            model_name="pricerule",
            name="group",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.group",
            ),
        ),
        migrations.AddField(
            model_name="pricerule",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.tenant",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True, help_text="Tasks under way at once. Empty: no limit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="notice_hook",
            field=models.URLField(blank=True, help_text="Gets signed notices.", max_length=2000),
        ),
        migrations.AddField(
            model_name="tenant",
            name="notice_mails",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.EmailField(max_length=254),
                blank=True,
                default=list,
                help_text="Who gets notices by mail.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="queue_seconds",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="How long a submit waits for room instead of being answered 429.",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="rpm",
            field=models.PositiveIntegerField(
                blank=True, help_text="Submits in any 60 seconds. Empty: no limit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="actions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=16),
                blank=True,
                default=list,
                help_text="Empty: every action.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="addresses",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=50),
                blank=True,
                default=list,
                help_text="IP addresses and networks it may be used from. Empty: everywhere.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="concurrency",
            field=models.PositiveIntegerField(
                blank=True, help_text="Tasks under way at once. Empty: no limit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="day_began",
            field=models.DateField(default="1970-01-01"),
        ),
        migrations.AddField(
            model_name="token",
            name="day_budget",
            field=models.BigIntegerField(
                blank=True,
                help_text="Micro-units: 1,000,000 = 1.00 of the site's currency.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="day_used",
            field=models.BigIntegerField(
                default=0, help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="group",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose prices and channels it uses. Empty: the tenant's group.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.group",
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="hook",
            field=models.URLField(blank=True, help_text="Empty: the tenant's.", max_length=2000),
        ),
        migrations.AddField(
            model_name="token",
            name="is_test",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="token",
            name="modes",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=8),
                blank=True,
                default=list,
                help_text="Empty: every mode.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="month_began",
            field=models.DateField(default="1970-01-01"),
        ),
        migrations.AddField(
            model_name="token",
            name="month_budget",
            field=models.BigIntegerField(
                blank=True,
                help_text="Micro-units: 1,000,000 = 1.00 of the site's currency.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="month_used",
            field=models.BigIntegerField(
                default=0, help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="old_digest",
            field=models.BinaryField(max_length=32, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="token",
            name="old_expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="token",
            name="open_holds",
            field=models.IntegerField(default=0, help_text="How many tasks are under way."),
        ),
        migrations.AddField(
            model_name="token",
            name="queue_seconds",
            field=models.PositiveSmallIntegerField(
                default=0,
                help_text="How long a submit waits for room instead of being answered 429.",
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="rpm",
            field=models.PositiveIntegerField(
                blank=True, help_text="Submits in any 60 seconds. Empty: no limit.", null=True
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="week_began",
            field=models.DateField(default="1970-01-01"),
        ),
        migrations.AddField(
            model_name="token",
            name="week_budget",
            field=models.BigIntegerField(
                blank=True,
                help_text="Micro-units: 1,000,000 = 1.00 of the site's currency.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="token",
            name="week_used",
            field=models.BigIntegerField(
                default=0, help_text="Micro-units: 1,000,000 = 1.00 of the site's currency."
            ),
        ),
        migrations.AddField(
            model_name="wallet",
            name="open_holds",
            field=models.IntegerField(default=0, help_text="How many tasks are under way."),
        ),
        migrations.AlterField(
            model_name="pricerule",
            name="name",
            field=models.CharField(
                help_text="The price name, e.g. mj_imagine or mj_*.", max_length=64
            ),
        ),
        migrations.AlterField(
            model_name="token",
            name="budget",
            field=models.BigIntegerField(
                blank=True,
                help_text="In all; empty: no limit. Micro-units: 1,000,000 = 1.00 of the site's currency.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(
                models.F("reference"), condition=models.Q(("kind", "refund")), name="entry_refund"
            ),
        ),
        migrations.AddIndex(
            model_name="pricebook",
            index=models.Index(
                models.F("effective_at"),
                models.F("published_at"),
                condition=models.Q(("published_at__isnull", False)),
                name="price_book_in_force",
            ),
        ),
        migrations.AddConstraint(
            model_name="entry",
            constraint=models.UniqueConstraint(
                models.F("reference"),
                models.F("kind"),
                condition=models.Q(("kind", "refund"), _negated=True),
                name="entry_happens_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="groupratio",
            constraint=models.UniqueConstraint(
                fields=("book", "group", "home"),
                name="group_ratio_is_unique_in_its_book",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="groupratio",
            constraint=models.CheckConstraint(
                condition=models.Q(("ratio__gte", 0)), name="group_ratio_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="pricebook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("effective_at__isnull", True), ("published_at__isnull", True)),
                    models.Q(("effective_at__isnull", False), ("published_at__isnull", False)),
                    _connector="OR",
                ),
                name="published_book_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="pricerule",
            constraint=models.UniqueConstraint(
                fields=("book", "name", "mode", "tenant", "group"),
                name="price_rule_is_unique_in_its_book",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="pricerule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tenant__isnull", True), ("group__isnull", True), _connector="OR"
                ),
                name="price_rule_has_one_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="token",
            constraint=models.CheckConstraint(
                condition=models.Q(("open_holds__gte", 0)), name="token_open_holds_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="token",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("day_used__gte", 0), ("month_used__gte", 0), ("week_used__gte", 0)
                ),
                name="token_used_is_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="token",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("old_digest__isnull", True), ("old_expires_at__isnull", False), _connector="OR"
                ),
                name="old_key_expires",
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.UniqueConstraint(
                models.F("tenant"), models.F("is_test"), name="wallet_is_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(("open_holds__gte", 0)), name="wallet_open_holds_is_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="codebatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="code_amount_is_positive"
            ),
        ),
        migrations.AddField(
            model_name="lowbalance",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="thresholds",
                to="billing.tenant",
            ),
        ),
        migrations.AddField(
            model_name="managementkey",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.tenant",
            ),
        ),
        migrations.AddField(
            model_name="member",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="billing.tenant"
            ),
        ),
        migrations.AddField(
            model_name="member",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="tenant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.tenant",
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="notice",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="billing.notice",
            ),
        ),
        migrations.AddField(
            model_name="redemptioncode",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="codes",
                to="billing.codebatch",
            ),
        ),
        migrations.AddField(
            model_name="redemptioncode",
            name="redeemed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="billing.tenant",
            ),
        ),
        migrations.AddField(
            model_name="topup",
            name="tenant",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="billing.tenant"
            ),
        ),
        migrations.AddField(
            model_name="usageday",
            name="token",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, to="billing.token"
            ),
        ),
        migrations.AddField(
            model_name="usageday",
            name="wallet",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, to="billing.wallet"
            ),
        ),
        migrations.AddConstraint(
            model_name="lowbalance",
            constraint=models.UniqueConstraint(
                models.F("tenant"), models.F("amount"), name="threshold_is_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="managementkey",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("role__in", ["owner", "admin", "finance", "developer", "viewer"]),
                        ("tenant__isnull", False),
                    ),
                    models.Q(
                        ("role__in", ["operator", "support", "finance"]), ("tenant__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="management_key_has_a_role_of_its_side",
            ),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.UniqueConstraint(
                models.F("tenant"), models.F("user"), name="member_is_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["tenant", "-id"], name="notice_by_tenant"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                models.F("due_at"),
                condition=models.Q(("due_at__isnull", False)),
                name="delivery_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", False), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True), ("due_at__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="pending_delivery_is_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="redemptioncode",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("redeemed_at__isnull", True), ("redeemed_by__isnull", True)),
                    models.Q(("redeemed_at__isnull", False), ("redeemed_by__isnull", False)),
                    _connector="OR",
                ),
                name="redeemed_code_has_a_tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(fields=["tenant", "-id"], name="top_up_by_tenant"),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("pay_amount__gt", 0)),
                name="top_up_is_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="topup",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "paid"), _negated=True),
                    ("paid_at__isnull", False),
                    _connector="OR",
                ),
                name="paid_top_up_has_its_time",
            ),
        ),
        migrations.AddIndex(
            model_name="usageday",
            index=models.Index(models.F("day"), name="usage_by_day"),
        ),
        migrations.AddConstraint(
            model_name="usageday",
            constraint=models.UniqueConstraint(
                fields=("wallet", "day", "kind", "token", "price_name", "mode", "channel"),
                name="usage_day_is_unique",
                nulls_distinct=False,
            ),
        ),
    ]
