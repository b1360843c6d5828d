"""The first operator: made by whoever has the one-time code that `make run` prints, or `manage.py
operator_code`. There is never a default password."""

import hashlib
import hmac
import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from billing.models import StaffMember, StaffRole
from common import audit, sql
from common.audit import Author, Origin
from relay.models import OperatorCode

# Without letters and digits that look alike; 100 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
GROUPS, GROUP_CHARS = 4, 5
TRIES = 50

_TRY = """
UPDATE relay_operatorcode SET tries = tries + (digest <> %(digest)s)::int
WHERE tries < %(limit)s RETURNING digest = %(digest)s AS is_right
"""


class CodeRefused(Exception):
    """A wrong code, one that was used, or one that was tried too often."""


def is_open() -> bool:
    """Whether the first operator is still to be made."""
    staff = StaffMember.objects.filter(
        role=StaffRole.OPERATOR, is_active=True, user__is_active=True
    )
    return not staff.exists()


def code(known: str = "") -> str:
    """A code to hand out: `known` as long as it is good, "" when there is an operator. A new one
    takes the place of the one before."""
    if not is_open():
        return ""
    good = OperatorCode.objects.filter(digest=_digest(known), tries__lt=TRIES)
    if known and good.exists():
        return known
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARS)) for _ in range(GROUPS))
    new = "-".join(groups)
    OperatorCode.objects.update_or_create(pk=1, defaults={"digest": _digest(new), "tries": 0})
    return new


def check(typed: str) -> None:
    """Counts a wrong try, in whichever process. Raises CodeRefused."""
    row = sql.fetch_one(_TRY, {"digest": _digest(typed), "limit": TRIES})
    if row is None or not row.is_right:
        raise CodeRefused


@transaction.atomic
def make_operator(typed: str, *, name: str, mail: str, password: str, origin: Origin) -> Any:
    """The first operator, for a code that `check` has let pass. Of two at once one gets it.

    Raises CodeRefused, IntegrityError for a name that is taken.
    """
    taken, _ = OperatorCode.objects.filter(digest=_digest(typed), tries__lt=TRIES).delete()
    if not taken or not is_open():
        raise CodeRefused
    user = get_user_model()._default_manager.create_user(name, mail, password)
    member = StaffMember.objects.create(user=user, role=StaffRole.OPERATOR)
    audit.record(
        Author(name, audit.Kind.PERSON, user_id=user.pk),
        "make first operator",
        kind="staff member",
        pk=member.pk,
        after={"username": name, "role": StaffRole.OPERATOR},
        origin=origin,
    )
    return user


def _digest(typed: str) -> bytes:
    """However it is written: in small letters, without the dashes."""
    plain = "".join(char for char in typed.upper() if char.isalnum())
    return hmac.new(
        settings.SECRET_KEY.encode(), b"operator:" + plain.encode(), hashlib.sha256
    ).digest()
