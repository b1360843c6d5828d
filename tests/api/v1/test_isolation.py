"""A tenant with another tenant's ids: on every route they are not there, and nothing happens."""

from typing import Any

import pytest
from django.db.models import Q

from billing import invitations, management_keys
from billing.models import (
    Invitation,
    LowBalance,
    ManagementKey,
    Member,
    Notice,
    Role,
    Tenant,
    Token,
    TopUp,
)
from relay.models import Callback, Task
from tests.api.shapes import assert_refused
from tests.api.v1.desk import Desk, Key, open_desk, operations
from tests.api.v1.people import new_user
from tests.stack import Stack, wait_until

IDS = {
    "key_id": Token,
    "task_id": Task,
    "callback_id": Callback,
    "order_id": TopUp,
    "member_id": Member,
    "management_key_id": ManagementKey,
    "invitation_id": Invitation,
}
BODIES: dict[str, dict[str, Any]] = {
    "POST tasks/{task_id}/settle": {"outcome": "failed", "memo": "x"},
    "POST drawings/{task_id}/action": {"key_id": 1},
    "POST drawings/{task_id}/modal": {"key_id": 1},
    "PATCH keys/{key_id}": {"name": "mine"},
    "PATCH members/{member_id}": {"role": "viewer"},
}
ROUTES = [
    (method, path)
    for method, path in operations()
    if "{" in path and any(f"{{{name}}}" in path for name in IDS)
]


class Owned:
    """One of everything that a tenant may have, and what the lists of another must not show."""

    def __init__(self, stack: Stack) -> None:
        self.desk = open_desk(stack)
        account, tenant = self.desk.account, self.desk.tenant
        task_id = account.draw(notifyHook=account.stack.inbox_url(tenant.name))
        account.finish(task_id)
        told = Callback.objects.filter(task=int(task_id))
        under_way = told.filter(Q(state="pending") | Q(flies_until__isnull=False))
        wait_until(lambda: not under_way.exists(), seconds=20, what="the callbacks")
        management_keys.make(tenant=tenant, name="robot", role="viewer")
        Member.objects.create(tenant=tenant, user=new_user(), role="owner")
        invitations.invite(
            tenant=tenant, email="x@x.example", role=Role.OWNER, actor="test", by_site=False
        )
        self.desk.owner.patch("hooks", notice_mails=[])
        Notice.objects.create(tenant=tenant, kind="balance.low", subject="low", text="low")
        LowBalance.objects.create(tenant=tenant, amount=5_000_000)
        TopUp.objects.create(
            number=f"c0ffee{tenant.pk:08x}", tenant=tenant, provider="stripe",
            amount=1, pay_amount=1, pay_currency="USD",
        )  # fmt: skip

    def ids(self, path: str) -> str:
        for name, model in IDS.items():
            if f"{{{name}}}" in path:
                pk = model.objects.filter(tenant=self.desk.tenant).latest("pk").pk
                path = path.replace(f"{{{name}}}", str(pk))
        return path

    @property
    def state(self) -> list[Any]:
        """All of it, to see that nothing has changed."""
        tenant = self.desk.tenant
        rows = [list(model.objects.filter(tenant=tenant).values()) for model in IDS.values()]
        return [*rows, Tenant.objects.filter(pk=tenant.pk).values().get(), self.desk.account.funds]


@pytest.fixture(scope="module")
def owned(stack: Stack) -> Owned:
    return Owned(stack)


def _call(key: Key, method: str, path: str, owned: Owned, base: str) -> Any:
    body = BODIES.get(f"{method} {path.removeprefix('tenants/{tenant_id}/')}", {})
    address = owned.ids(path.replace("tenants/{tenant_id}/", base))
    return key.ask(method, address, json=None if method == "GET" else body)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_another_tenant_s_things_are_not_there(
    owned: Owned, shared_desk: Desk, method: str, path: str
) -> None:
    before = owned.state
    stranger, operator = shared_desk.owner, shared_desk.operator
    if path.startswith("tenants/"):
        # The site's keys look below the wrong tenant; a tenant's own have no such address.
        answer = _call(operator, method, path, owned, shared_desk.base)
        if path.removeprefix("tenants/{tenant_id}/").startswith("drawings/"):
            # Nobody of the site draws for anybody.
            assert_refused(answer, 403, "role_not_allowed")
        else:
            assert_refused(answer, 404, "not_found")
        answer = _call(stranger, method, path, owned, owned.desk.base)
        assert_refused(answer, 404, "not_found", says="address")
    elif path.endswith(("settle", "dismiss", "look")) or path.startswith("staff/"):
        assert_refused(_call(stranger, method, path, owned, ""), 403, "role_not_allowed")
    else:
        assert_refused(_call(stranger, method, path, owned, ""), 404, "not_found")
    assert owned.state == before


@pytest.mark.parametrize(
    "path",
    [
        "keys",
        "tasks",
        "callbacks",
        "notices",
        "entries",
        "top-ups",
        "members",
        "management-keys",
        "invitations",
        "audit",
    ],
)
def test_lists_show_the_own_tenant_s_only(owned: Owned, shared_desk: Desk, path: str) -> None:
    there = {row["id"] for row in owned.desk.owner.get(path)["data"]}
    here = {row["id"] for row in shared_desk.owner.get(path)["data"]}
    assert there
    assert not there & here
    seen = {row["id"] for row in shared_desk.operator.get(owned.desk.base + path)["data"]}
    assert seen == there


def test_other_tenants_are_named_nowhere(owned: Owned, shared_desk: Desk) -> None:
    for path in ("tasks", "entries", "prices", "usage", "statement", "thresholds", "hooks"):
        assert owned.desk.tenant.name not in shared_desk.owner.ask("GET", path).text
    for query in ({"key": owned.desk.account.token.pk}, {"task": owned.desk.account.last_task.pk}):
        (name,) = query
        path = "callbacks" if name == "task" else "tasks"
        assert shared_desk.owner.get(path, **query) == {"data": [], "next": None}


@pytest.mark.parametrize("path", ["tasks", "tasks/{task_id}"])
def test_a_tenant_sees_nothing_of_the_upstream(owned: Owned, path: str) -> None:
    channel, task = owned.desk.account.channel, owned.desk.account.last_task
    assert task.upstream_id
    own = owned.desk.owner.ask("GET", owned.ids(path)).text
    for secret in (channel.name, task.upstream_id, channel.base_url):
        assert secret not in own
    site = owned.desk.operator.ask("GET", owned.desk.base + owned.ids(path)).text
    assert channel.name in site
    assert task.upstream_id in site
