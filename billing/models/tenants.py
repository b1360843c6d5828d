"""Customer organisations, the people in them, their API keys and management keys."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from billing.money import MICRO_HELP
from common.vault import EncryptedTextField


class Role(models.TextChoices):
    """What a member of a tenant, or a tenant's management key, may do."""

    OWNER = "owner"
    ADMIN = "admin"
    FINANCE = "finance"
    DEVELOPER = "developer"
    VIEWER = "viewer"


class StaffRole(models.TextChoices):
    """What the site's own people, or the operator's management keys, may do."""

    OPERATOR = "operator"
    SUPPORT = "support"
    FINANCE = "finance"


class Group(models.Model):
    """A class of tenants: what it pays (GroupRatio, PriceRule) and, by name, its channels."""

    name = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.name


class Limits(models.Model):
    """How fast and how much at once: the same for a key and for all of a tenant together."""

    rpm = models.PositiveIntegerField(
        null=True, blank=True, help_text="Submits in any 60 seconds. Empty: no limit."
    )
    concurrency = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tasks under way at once. Empty: no limit."
    )
    queue_seconds = models.PositiveSmallIntegerField(
        default=0, help_text="How long a submit waits for room instead of being answered 429."
    )

    class Meta:
        abstract = True


class Tenant(Limits):
    """A customer organisation."""

    name = models.CharField(max_length=100, unique=True)
    group = models.ForeignKey(Group, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)
    default_hook = models.URLField(max_length=2000, blank=True)
    # Standard Webhooks: `whsec_` and the base64 of 32 random bytes.
    webhook_secret = EncryptedTextField()
    # After a rotation both sign for a while.
    old_webhook_secret = EncryptedTextField(blank=True)
    old_webhook_secret_expires_at = models.DateTimeField(null=True, blank=True)
    notice_mails = ArrayField(
        models.EmailField(), default=list, blank=True, help_text="Who gets notices by mail."
    )
    notice_hook = models.URLField(max_length=2000, blank=True, help_text="Gets signed notices.")
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person who signs in for a tenant."""

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    role = models.CharField(max_length=9, choices=Role)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("tenant", "user", name="member_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user} of {self.tenant}"


class StaffMember(models.Model):
    """One of the site's own people. billing/staff.py sees to it that an operator stays."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    role = models.CharField(max_length=9, choices=StaffRole)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.user}, {self.role}"


class Invitation(models.Model):
    """To become a member of the tenant, or without one of the site's own people. The link is shown
    once; only the HMAC of its token is kept."""

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT)
    email = models.EmailField()
    role = models.CharField(max_length=9, choices=[*Role.choices, *StaffRole.choices])
    digest = models.BinaryField(max_length=32, unique=True)
    invited_by = models.CharField(max_length=150)
    # The site's own people invited, whose names tenants are not told.
    by_site = models.BooleanField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invitation_has_a_role_of_its_side",
                condition=Q(tenant__isnull=False, role__in=Role.values)
                | Q(tenant__isnull=True, role__in=StaffRole.values),
            ),
            models.CheckConstraint(
                name="invitation_is_accepted_by_somebody",
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
            ),
            # The newest link to an address is the only one.
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                name="invitation_is_open_once",
                condition=Q(accepted_at__isnull=True),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"invitation of {self.email}"


class Token(Limits):
    """An API key of a tenant. The key itself is shown once; only its HMAC is kept.

    A test key draws at the test channels and pays from the tenant's test wallet.
    """

    class ImageSetting(models.TextChoices):
        PROXY = "proxy"
        ORIGIN = "origin"

    class Policy(models.TextChoices):
        """Which of the usable channels is asked first."""

        PRIORITY = "priority"
        COST = "cost"
        STABILITY = "stability"

    PERIODS = ("day", "week", "month")

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    is_test = models.BooleanField(default=False)
    prefix = models.CharField(max_length=16, help_text="The start of the key, to recognise it by.")
    digest = models.BinaryField(max_length=32, unique=True)
    # After a rotation the replaced key goes on for a while.
    old_digest = models.BinaryField(max_length=32, unique=True, null=True)
    old_expires_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Whose prices and channels it uses. Empty: the tenant's group.",
    )
    image_setting = models.CharField(max_length=8, choices=ImageSetting, default=ImageSetting.PROXY)
    default_mode = models.CharField(max_length=8, blank=True, help_text="Empty: the site's.")
    hook = models.URLField(max_length=2000, blank=True, help_text="Empty: the tenant's.")
    actions = ArrayField(
        models.CharField(max_length=16), default=list, blank=True, help_text="Empty: every action."
    )
    modes = ArrayField(
        models.CharField(max_length=8), default=list, blank=True, help_text="Empty: every mode."
    )
    addresses = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="IP addresses and networks it may be used from. Empty: everywhere.",
    )
    policy = models.CharField(max_length=9, choices=Policy, default=Policy.PRIORITY)
    budget = models.BigIntegerField(
        null=True, blank=True, help_text="In all; empty: no limit. " + MICRO_HELP
    )
    day_budget = models.BigIntegerField(null=True, blank=True, help_text=MICRO_HELP)
    week_budget = models.BigIntegerField(null=True, blank=True, help_text=MICRO_HELP)
    month_budget = models.BigIntegerField(null=True, blank=True, help_text=MICRO_HELP)
    # From here on all change in the same statement as the wallet, on the way back too
    # (billing/ledger.py).
    held = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    spent = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    open_holds = models.IntegerField(default=0, help_text="How many tasks are under way.")
    # Of the newest day, week and month (UTC) in which it held money: when that began, and what the
    # holds of that time came to. An older date means: nothing used in the present one.
    day_began = models.DateField(default="1970-01-01")
    day_used = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    week_began = models.DateField(default="1970-01-01")
    week_used = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    month_began = models.DateField(default="1970-01-01")
    month_used = models.BigIntegerField(default=0, help_text=MICRO_HELP)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0), name="token_held_is_not_negative"),
            models.CheckConstraint(condition=Q(spent__gte=0), name="token_spent_is_not_negative"),
            models.CheckConstraint(
                condition=Q(open_holds__gte=0), name="token_open_holds_is_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(day_used__gte=0, week_used__gte=0, month_used__gte=0),
                name="token_used_is_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(old_digest__isnull=True) | Q(old_expires_at__isnull=False),
                name="old_key_expires",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ManagementKey(models.Model):
    """Opens the management API, for a tenant or (without one) for the site's own people.

    Shown once, kept as an HMAC, like an API key; the tenant API does not take it.
    """

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=9, choices=[*Role.choices, *StaffRole.choices])
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    is_active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="management_key_has_a_role_of_its_side",
                condition=Q(tenant__isnull=False, role__in=Role.values)
                | Q(tenant__isnull=True, role__in=StaffRole.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
