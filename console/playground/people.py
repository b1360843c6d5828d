"""Who draws in the playground, and what he has drawn there."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from billing import management_keys
from billing.management_keys import Manager
from billing.models import Member
from console.accounts import acting
from console.models import Drawn
from console.who import manager_for
from relay.api.v1 import origins, roles
from relay.api.v1.operation import View, perform
from relay.api.v1.roles import Right

SHOWN = 40
KEPT = 200


def drawer(request: HttpRequest, tenant_id: int) -> Manager:
    """Nobody of the site spends a tenant's money; an operator who is one of the tenant's people
    besides draws as that."""
    found = manager_for(request, tenant_id)
    user: Any = request.user
    member = None
    if found.is_site and not acting.of(request):
        member = Member.objects.filter(user_id=user.pk, tenant_id=tenant_id).first()
    if member is None:
        return found
    return management_keys.person(
        user_id=user.pk, name=found.name, role=member.role, tenant_id=tenant_id
    )


def may_draw(request: HttpRequest, tenant_id: int) -> bool:
    """Who looks as somebody else changes nothing (console/accounts/acting.py)."""
    allowed = roles.allows(drawer(request, tenant_id), Right.DRAW)
    return allowed and acting.of(request) is None


def ask(request: HttpRequest, tenant_id: int, view: type[View], method: str, **told: Any) -> Any:
    """As pages.call(), for the drawer."""
    return perform(
        view,
        method,
        who=drawer(request, tenant_id),
        tenant_id=tenant_id,
        origin=origins.of(request, via="console"),
        **told,
    )


def note(request: HttpRequest, tenant_id: int, task_ids: Iterable[str]) -> None:
    """Remembers what was begun; of the oldest nothing is kept but the tasks themselves."""
    user: Any = request.user
    rows = [Drawn(user=user, tenant_id=tenant_id, task_id=int(pk)) for pk in task_ids]
    Drawn.objects.bulk_create(rows, ignore_conflicts=True)
    mine = _mine(request, tenant_id)
    oldest = mine.values_list("task_id", flat=True)[KEPT : KEPT + 1]
    for task_id in oldest:
        mine.filter(task_id__lte=task_id).delete()


def noted(request: HttpRequest, tenant_id: int) -> list[int]:
    """The newest first."""
    return list(_mine(request, tenant_id).values_list("task_id", flat=True)[:SHOWN])


def forget(request: HttpRequest, tenant_id: int, task_id: int) -> None:
    """Takes a task off the page; it stays in the gallery."""
    _mine(request, tenant_id).filter(task_id=task_id).delete()


def _mine(request: HttpRequest, tenant_id: int) -> Any:
    user: Any = request.user
    return Drawn.objects.filter(user=user, tenant_id=tenant_id).order_by("-task_id")
