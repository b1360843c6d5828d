"""What a tenant pays, in words."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from console.pages import call, show
from console.prices import names
from console.prices.views import number
from console.who import tenant_page
from relay.api.v1 import prices
from relay.api.v1.fields import MODES


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    keys = call(request, prices.KeysWithPrices, "get", tenant_id=tenant_id)["data"]
    asked = request.GET.get("key", "")
    key = next((row for row in keys if str(row["id"]) == asked), None)
    pk = number(asked)
    query = {} if pk is None else {"key": pk}
    found = call(request, prices.Prices, "get", tenant_id=tenant_id, query=query)["data"]
    told = {
        "tenant_id": tenant_id,
        "keys": keys,
        "key": key,
        "modes": MODES,
        "rows": [_row(line) for line in found],
        "is_any": any(line["prices"] for line in found),
    }
    return show(request, "console/prices/tenant.html", told)


def _row(line: dict[str, Any]) -> dict[str, Any]:
    """`amounts`: by mode; None for one that is not offered."""
    amounts = [line["prices"].get(mode) for mode in MODES]
    return {
        "label": names.action(line["action"]),
        "name": line["name"],
        "amounts": list(zip(MODES, amounts, strict=True)),
        "is_offered": any(amount is not None for amount in amounts),
    }
