"""Second factors that somebody has lost: the site's operators see which there are, and remove them.

The person keeps the password, is signed out everywhere, and is told of it by mail.
"""

from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from common import languages, mails, site
from relay.errors import Conflict

Kind = Authenticator.Type
NONE = "this account has no second factor"


def of(user: Any) -> list[dict[str, Any]]:
    """What he has, the oldest first: kind, name (of a passkey), created_at, last_used_at."""
    rows = Authenticator.objects.filter(user_id=user.pk).order_by("pk")
    return [
        {
            "kind": row.type,
            "name": row.data.get("name", "") if row.type == Kind.WEBAUTHN else "",
            "created_at": row.created_at,
            "last_used_at": row.last_used_at,
        }
        for row in rows
    ]


def holders(users: Iterable[int]) -> set[int]:
    """Those of these accounts that have any."""
    rows = Authenticator.objects.filter(user_id__in=list(users))
    return set(rows.values_list("user_id", flat=True))


@transaction.atomic
def remove(user: Any) -> tuple[list[dict[str, Any]], int]:
    """All of them: what they were, and how many sessions were ended. Raises Conflict when there
    are none, as for the second of two who do it at once."""
    # Nobody adds one meanwhile.
    get_user_model()._default_manager.select_for_update().get(pk=user.pk)
    gone = of(user)
    if not gone:
        raise Conflict(NONE)
    Authenticator.objects.filter(user_id=user.pk).delete()
    sessions = list(UserSession.objects.filter(user_id=user.pk))
    for session in sessions:
        session.end()
    if settings.EMAIL_URL and user.email:
        transaction.on_commit(lambda: _tell(user))
    return gone, len(sessions)


def _tell(user: Any) -> None:
    """Whoever has asked for it knows already; for everybody else it is a warning."""
    with override(languages.of_mail(user.email)):
        names = {
            "site": site.value("site_name"),
            "name": user.get_username(),
            "link": f"{settings.PUBLIC_URL}{reverse('mfa_index')}",
        }
        subject = _("Your second factors at %(site)s were removed") % names
        text = _(
            "One of the people who run %(site)s has removed all second factors of your account "
            "%(name)s: one-time codes, recovery codes and passkeys. You are signed out everywhere. "
            "From now on your password alone lets you in, so set up a second factor again:\n\n"
            "%(link)s\n\n"
            "If you did not ask for this, change your password and tell them at once."
        )
    what = f"what was removed from account {user.pk}"
    mails.try_to_send(user.email, subject=subject, text=text % names, what=what)
