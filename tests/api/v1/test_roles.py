"""Who may do what: every route with a key of every role."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from billing.models import Tenant
from relay.api.v1 import urls
from tests.accounts import Account
from tests.api.shapes import assert_refused
from tests.api.v1.desk import (
    SITE_ROLES,
    TENANT_ROLES,
    Desk,
    Key,
    new_key,
    operations,
)
from tests.stack import Stack

SEES = "owner admin finance developer viewer operator support site-finance"
DRAWS = "owner admin developer"
KEYS = "owner admin developer operator"
SWITCHES = f"{KEYS} support"
BUYS = "owner admin finance operator site-finance"
ACCESS = "owner admin operator"
SITE = "operator support site-finance"
MONEY = "operator site-finance"

# What is below a tenant: for its own keys, and for the site's.
OF_A_TENANT = {
    "GET keys": SEES,
    "POST keys": KEYS,
    "GET keys/{key_id}": SEES,
    "PATCH keys/{key_id}": KEYS,
    "POST keys/{key_id}/rotate": KEYS,
    "POST keys/{key_id}/disable": SWITCHES,
    "POST keys/{key_id}/enable": SWITCHES,
    "POST test-wallet/refill": KEYS,
    "GET tasks": SEES,
    "GET tasks/{task_id}": SEES,
    "GET tasks/{task_id}/timeline": SEES,
    "POST tasks/{task_id}/look": "operator support",
    "POST tasks/{task_id}/settle": "operator",
    "GET drawings": SEES,
    "POST drawings": DRAWS,
    "GET drawings/offers": SEES,
    "POST drawings/{task_id}/action": DRAWS,
    "POST drawings/{task_id}/modal": DRAWS,
    "POST drawings/{task_id}/cancel": DRAWS,
    "POST drawings/{task_id}/seed": DRAWS,
    "GET callbacks": SEES,
    "GET callbacks/{callback_id}": SEES,
    "POST callbacks/{callback_id}/replay": SWITCHES,
    "POST callbacks/replay": SWITCHES,
    "GET hooks": SEES,
    "PATCH hooks": KEYS,
    "POST hooks/secret/show": KEYS,
    "POST hooks/secret/rotate": KEYS,
    "GET hooks/failing": SEES,
    "POST hooks/failing/{hook_id}/switch-on": SWITCHES,
    "GET hooks/test": SEES,
    "POST hooks/test": KEYS,
    "GET thresholds": SEES,
    "PUT thresholds": BUYS,
    "GET notices": SEES,
    "GET wallet": SEES,
    "GET entries": SEES,
    "GET usage": SEES,
    "GET figures": SEES,
    "GET announcements": SEES,
    "GET statement": SEES,
    "GET prices": SEES,
    "GET prices/keys": SEES,
    "POST codes/redeem": BUYS,
    "GET payment-services": SEES,
    "GET top-ups": SEES,
    "POST top-ups": BUYS,
    "GET top-ups/{order_id}": SEES,
    "GET members": SEES,
    "POST members": "operator",
    "GET members/{member_id}": SEES,
    "POST members/leave": SEES,
    "GET invitations": ACCESS,
    "POST invitations": ACCESS,
    "DELETE invitations/{invitation_id}": ACCESS,
    "GET audit": ACCESS,
    "PATCH members/{member_id}": "owner operator",
    "DELETE members/{member_id}": "owner operator",
    "GET management-keys": ACCESS,
    "POST management-keys": ACCESS,
    "GET management-keys/{management_key_id}": ACCESS,
    "POST management-keys/{management_key_id}/rotate": ACCESS,
    "POST management-keys/{management_key_id}/disable": ACCESS,
    "POST management-keys/{management_key_id}/enable": ACCESS,
}
OF_THE_SITE = {
    "GET tenants": SITE,
    "POST tenants": "operator",
    "GET tenants/{tenant_id}": SITE,
    "PATCH tenants/{tenant_id}": "operator",
    "POST tenants/{tenant_id}/wallet/top-up": MONEY,
    "POST tenants/{tenant_id}/wallet/adjust": MONEY,
    "PUT tenants/{tenant_id}/wallet/credit-limit": MONEY,
    "POST tenants/{tenant_id}/tasks/{task_id}/refund": MONEY,
    "GET groups": SITE,
    "POST groups": "operator",
    "GET price-books": MONEY,
    "POST price-books": "operator",
    "GET price-books/{book_id}": MONEY,
    "DELETE price-books/{book_id}": "operator",
    "PATCH price-books/{book_id}": "operator",
    "GET price-books/{book_id}/lines": MONEY,
    "PATCH price-books/{book_id}/lines": "operator",
    "GET price-books/{book_id}/prices": MONEY,
    "GET price-books/{book_id}/quote": MONEY,
    "GET price-books/{book_id}/rules": MONEY,
    "POST price-books/{book_id}/rules": "operator",
    "DELETE price-books/{book_id}/rules/{rule_id}": "operator",
    "GET price-books/{book_id}/ratios": MONEY,
    "POST price-books/{book_id}/ratios": "operator",
    "DELETE price-books/{book_id}/ratios/{ratio_id}": "operator",
    "GET price-books/{book_id}/content": MONEY,
    "PUT price-books/{book_id}/content": "operator",
    "GET price-books/{book_id}/new-api": MONEY,
    "POST price-books/{book_id}/new-api": "operator",
    "GET price-books/{book_id}/diff": MONEY,
    "GET price-books/{book_id}/preview": MONEY,
    "POST price-books/{book_id}/publish": "operator",
    "POST price-books/{book_id}/withdraw": "operator",
    "POST price-books/{book_id}/roll-back": "operator",
    "GET channels": SITE,
    "GET channels/figures": SITE,
    "POST channels/{channel_id}/probe": "operator support",
    "POST channels/{channel_id}/clone": "operator",
    "POST channels": "operator",
    "GET channels/{channel_id}": SITE,
    "PATCH channels/{channel_id}": "operator",
    "DELETE channels/{channel_id}": "operator",
    "GET channels/{channel_id}/costs": MONEY,
    "PUT channels/{channel_id}/costs": "operator",
    "GET channels/{channel_id}/credentials": SITE,
    "POST channels/{channel_id}/credentials": "operator",
    "GET channels/{channel_id}/credentials/{credential_id}": SITE,
    "PATCH channels/{channel_id}/credentials/{credential_id}": "operator",
    "DELETE channels/{channel_id}/credentials/{credential_id}": "operator",
    "GET channels/{channel_id}/events": SITE,
    "GET channels/{channel_id}/probes": SITE,
    "GET channels/{channel_id}/probe-series": SITE,
    "GET channels/{channel_id}/attempts": SITE,
    "GET code-batches": MONEY,
    "POST code-batches": MONEY,
    "GET code-batches/{batch_id}": MONEY,
    "POST code-batches/{batch_id}/disable": MONEY,
    "GET code-batches/{batch_id}/codes": MONEY,
    "POST code-batches/{batch_id}/codes/{code_id}/disable": MONEY,
    "POST top-ups/{order_id}/settle": MONEY,
    "POST top-ups/{order_id}/dismiss": MONEY,
    "POST password-links": "operator",
    "GET second-factors": "operator",
    "POST second-factor-removals": "operator",
    "GET staff": "operator",
    "POST staff": "operator",
    "GET staff/{staff_id}": "operator",
    "PATCH staff/{staff_id}": "operator",
    "DELETE staff/{staff_id}": "operator",
    "GET staff/invitations": "operator",
    "POST staff/invitations": "operator",
    "DELETE staff/invitations/{invitation_id}": "operator",
    "GET reports": MONEY,
    "GET overview": SITE,
    "GET settings": "operator",
    "PATCH settings": "operator",
    "GET site-announcements": SITE,
    "POST site-announcements": "operator",
    "GET site-announcements/{announcement_id}": SITE,
    "PATCH site-announcements/{announcement_id}": "operator",
    "DELETE site-announcements/{announcement_id}": "operator",
    "GET proofs": SITE,
}
# Of a tenant's routes, those that the site's keys may also call without naming one.
WHOLE_SITE = {
    "GET tasks", "GET tasks/{task_id}", "GET tasks/{task_id}/timeline",
    "POST tasks/{task_id}/look", "POST tasks/{task_id}/settle",
    "GET notices", "GET top-ups", "GET top-ups/{order_id}",
    "GET management-keys", "POST management-keys", "GET audit",
    "GET management-keys/{management_key_id}",
    "POST management-keys/{management_key_id}/rotate",
    "POST management-keys/{management_key_id}/disable",
    "POST management-keys/{management_key_id}/enable",
}  # fmt: skip


def expected(method: str, path: str) -> tuple[set[str], set[str]]:
    """Who may, and who is not even told that it is there."""
    own, site = set(TENANT_ROLES), _names(SITE_ROLES)
    row = f"{method} {path}"
    below = f"{method} {path.removeprefix('tenants/{tenant_id}/')}"
    if row in OF_THE_SITE:
        hidden = own if "{tenant_id}" in path else set()
        return set(OF_THE_SITE[row].split()), hidden
    if below != row:
        return set(OF_A_TENANT[below].split()) & site, own
    hidden = set() if row in WHOLE_SITE else site
    return set(OF_A_TENANT[row].split()) - hidden, hidden


def _names(roles: tuple[str, ...]) -> set[str]:
    return {"site-finance" if role == "finance" else role for role in roles}


def test_the_table_has_every_route() -> None:
    assert {f"{method} {path}" for method, path in operations()} == (
        set(OF_A_TENANT)
        | {f"{row.split()[0]} tenants/{{tenant_id}}/{row.split()[1]}" for row in OF_A_TENANT}
        | set(OF_THE_SITE)
    )
    assert len(urls.of_a_tenant) == len({row.split()[1] for row in OF_A_TENANT})


def test_every_route_is_open_to_these_roles_and_to_no_other(shared_desk: Desk) -> None:
    desk = shared_desk
    keys = dict(desk.roles)
    keys |= {"site-finance" if role == "finance" else role: key for role, key in desk.site.items()}
    calls = [(method, path, role) for method, path in operations() for role in keys]

    def wrong(call: tuple[str, str, str]) -> str:
        method, path, role = call
        answer = _ask(keys[role], desk, method, path)
        allowed, hidden = expected(method, path)
        kind = answer.json()["type"] if answer.status_code in (403, 404) else ""
        if role in hidden:
            is_right = kind == "not_found" and "address" in answer.json()["message"]
        elif role in allowed:
            is_right = kind in ("", "not_found") and answer.status_code < 500
        else:
            is_right = kind == "role_not_allowed"
        return "" if is_right else f"{method} {path} as {role}: {answer.text[:200]}"

    with ThreadPoolExecutor(4) as pool:
        assert [text for text in pool.map(wrong, calls) if text] == []


def _ask(key: Key, desk: Desk, method: str, path: str) -> requests.Response:
    """With ids that nobody has, but for the tenant, and a field that nothing has: whoever may do
    it gets as far as being told so."""
    path = path.replace("{tenant_id}", str(desk.tenant.pk))
    for name in ("key_id", "task_id", "callback_id", "hook_id", "order_id", "member_id",
                 "management_key_id", "book_id", "rule_id", "ratio_id", "channel_id",
                 "batch_id", "code_id", "credential_id", "announcement_id", "staff_id",
                 "invitation_id"):  # fmt: skip
        path = path.replace(f"{{{name}}}", "999999999")
    query = {"no_such": "parameter"}
    return key.ask(method, path, params=query, json={"no_such": "field"})


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("keys", {}),
        ("tenants", {"Authorization": "Bearer mk-" + "x" * 48}),
        ("keys", {"Authorization": "Bearer "}),
        ("keys", {"Authorization": "Basic mk-" + "x" * 48}),
        ("keys", {"Authorization": "Bearer mk-\u00e9"}),
    ],
)
def test_without_a_management_key_nothing_is_open(
    stack: Stack, path: str, headers: dict[str, str]
) -> None:
    answer = requests.get(f"{stack.url}/api/v1/{path}", headers=headers, timeout=9)
    assert_refused(answer, 401, "invalid_api_key")


def test_an_api_key_is_no_management_key_and_the_other_way_round(shared_desk: Desk) -> None:
    account: Account = shared_desk.account
    url = f"{account.stack.url}/api/v1/keys"
    secret = account.key.removeprefix("sk-")
    for key in (account.key, secret, f"mk-{secret}"):
        answer = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=9)
        assert_refused(answer, 401, "invalid_api_key")
    secret = shared_desk.owner.key.removeprefix("mk-")
    for key in (shared_desk.owner.key, secret, f"sk-{secret}"):
        headers = {"Authorization": f"Bearer {key}"}
        answer = account.request("GET", "/mj/task/list", headers=headers)
        assert_refused(answer, 401, "invalid_api_key")


def test_a_disabled_tenant_manages_nothing_and_the_site_still_sees_it(desk: Desk) -> None:
    Tenant.objects.filter(pk=desk.tenant.pk).update(is_active=False)
    assert_refused(desk.owner.ask("GET", "keys"), 403, "tenant_disabled")
    assert not desk.operator.get(desk.base.rstrip("/"))["is_active"]
    assert desk.operator.patch(desk.base.rstrip("/"), is_active=True)["is_active"]
    assert desk.owner.get("keys")["data"]


def test_nobody_makes_or_takes_over_a_key_that_may_more_than_his_own(desk: Desk) -> None:
    admin, owner = desk.roles["admin"], desk.owner
    refused = admin.ask("POST", "management-keys", json={"name": "mine", "role": "owner"})
    assert_refused(refused, 403, "role_not_allowed", says="owners")
    for deed in ("rotate", "disable", "enable"):
        refused = admin.ask("POST", f"management-keys/{owner.id}/{deed}")
        assert_refused(refused, 403, "role_not_allowed")
    made = admin.post("management-keys", name="another", role="admin")
    assert made["details"]["created_by"].startswith("admin (mk-")
    assert new_key(desk.account.stack, "admin", desk.tenant).get("keys")["data"]


@pytest.mark.parametrize("role", ["operator", "support"])
def test_a_tenant_makes_no_key_of_the_site(desk: Desk, role: str) -> None:
    refused = desk.owner.ask("POST", "management-keys", json={"name": "x", "role": role})
    assert_refused(refused, 400, "invalid_request", says="role: this must be one of owner")
