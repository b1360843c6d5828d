"""A tenant's first page: money, how long it lasts, what is drawn, and what needs a look."""

from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from console.pages import call, may, show
from console.playground import people, snippets
from console.tenant_home import budgets, usage
from console.who import tenant_page
from relay.api.v1 import figures, hooks, keys, tasks
from relay.api.v1.paging import PAGE_ROWS_MAX
from relay.api.v1.roles import Right

LAST_TASKS = 8
HOOKS_MAX = 5
# Parts that renew themselves, each by its template.
PARTS = {"home-tasks": "tasks", "home-money": "money"}
TASKS_SECONDS, MONEY_SECONDS = 5, 30
# From here on the days that the balance lasts are marked.
FEW_DAYS, VERY_FEW_DAYS = 7, 2


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    part = PARTS.get(request.headers.get("HX-Target", ""))
    told: dict[str, Any] = {"tenant_id": tenant_id, "playground": _playground(tenant_id)}
    if part != "money":
        told |= _tasks(request, tenant_id)
    if part != "tasks":
        told |= _money(request, tenant_id)
    if part:
        return render(request, f"console/tenant_home/{part}.html", told)
    told["spent"] = usage.spent(told["figures"]["days"])
    told |= _usage(request, tenant_id) | _keys(request, tenant_id)
    told["failing"] = _failing(request, tenant_id)
    told["is_new"] = not told["tasks"] and not told["figures"]["last_30_days"]["submits"]
    told["has_money"] = Decimal(told["wallet"]["available"]) > 0
    told["may_draw"] = people.may_draw(request, tenant_id)
    told["snippets"] = [snippets.Snippet("curl", snippets.first())]
    return show(request, "console/tenant_home/page.html", told)


def _tasks(request: HttpRequest, tenant_id: int) -> dict[str, Any]:
    query = {"limit": LAST_TASKS}
    found = call(request, tasks.Tasks, "get", tenant_id=tenant_id, query=query)
    return {"tasks": found["data"], "tasks_seconds": TASKS_SECONDS}


def _money(request: HttpRequest, tenant_id: int) -> dict[str, Any]:
    found = call(request, figures.OfTenant, "get", tenant_id=tenant_id)
    days = found["days_left"]
    return {
        "figures": found,
        "wallet": found["wallet"],
        "days_colour": usage.colour(days, few=FEW_DAYS, very_few=VERY_FEW_DAYS),
        "money_seconds": MONEY_SECONDS,
        "may_buy": may(request, Right.BUY, tenant_id),
    }


def _usage(request: HttpRequest, tenant_id: int) -> dict[str, Any]:
    return {
        "by_action": usage.plotted(request, tenant_id, "price_name"),
        "by_mode": usage.plotted(request, tenant_id, "mode"),
    }


def _keys(request: HttpRequest, tenant_id: int) -> dict[str, Any]:
    query = {"limit": PAGE_ROWS_MAX, "is_active": "true"}
    found = call(request, keys.Keys, "get", tenant_id=tenant_id, query=query)["data"]
    return {
        "near": budgets.near(found),
        "has_key": bool(found),
        "may_make_keys": may(request, Right.KEYS, tenant_id),
        "keys_url": reverse("console:keys", kwargs={"tenant_id": tenant_id}),
    }


def _failing(request: HttpRequest, tenant_id: int) -> Any:
    query = {"limit": HOOKS_MAX}
    return call(request, hooks.FailingHooks, "get", tenant_id=tenant_id, query=query)["data"]


def _playground(tenant_id: int) -> str:
    return reverse("console:playground", kwargs={"tenant_id": tenant_id})
