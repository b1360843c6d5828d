"""What the console knows of people: how they want it to look, and what signing up promised them."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from billing.models import Tenant


class Preference(models.Model):
    """How a person wants to see the console, in whichever browser."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    language = models.CharField(max_length=10, blank=True)
    theme = models.CharField(max_length=5, blank=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.language} {self.theme}"


class SignUp(models.Model):
    """A person who made an account himself while that was open to all.

    He gets a tenant of his own when he first gets in (console/accounts/sign_up.py).
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.PROTECT)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.user} for {self.tenant}"


class Shared(models.Model):
    """What all processes must know of sign-ins for a while (console/accounts/cache.py)."""

    key = models.CharField(primary_key=True, max_length=300)
    value = models.JSONField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class Drawn(models.Model):
    """A task that a person began in the playground, so that it is there again the next time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, db_index=False)
    task_id = models.BigIntegerField()

    class Meta:
        constraints = [
            # Read by person and tenant, the newest first.
            models.UniqueConstraint("user", "tenant", "task_id", name="drawn_is_noted_once"),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} by {self.user_id}"
