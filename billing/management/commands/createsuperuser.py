from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.management.commands import createsuperuser
from django.db import transaction

from billing import staff
from billing.models import StaffRole
from common import audit


class Command(createsuperuser.Command):
    help = "Makes an account that is one of the site's operators."

    def handle(self, *args: Any, **options: Any) -> None:
        """Django's own says nothing of whom it has made, so the newest ones are looked at."""
        users = get_user_model()._default_manager.filter(is_superuser=True, staffmember=None)
        known = set(users.values_list("pk", flat=True))
        super().handle(*args, **options)
        for user in users.exclude(pk__in=known):
            _make_operator(user)


@transaction.atomic
def _make_operator(user: Any) -> None:
    member = staff.add(user, role=StaffRole.OPERATOR)
    audit.by_command(
        "make operator",
        kind="staff member",
        pk=member.pk,
        after={"username": user.get_username(), "role": StaffRole.OPERATOR},
    )
