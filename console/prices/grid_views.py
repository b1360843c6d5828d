"""One book: its matrix, to be edited while it is a draft."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import money
from billing.errors import LinesOvertaken
from console import by_name
from console.forms import FOR_THE_FORM
from console.pages import call, done, show
from console.prices import grid
from console.prices.grid import EVERYBODY, Edits, Scope
from console.prices.views import number
from console.prices.views import one as head
from console.who import fresh_sign_in, staff_page
from relay.api import errors as api
from relay.api.v1 import book_grid, tenants
from relay.api.v1.paging import PAGE_ROWS_MAX

# More do not fit beside one another; they are chosen.
SCOPES_FIRST = 3
SCOPES_MAX = 8
TENANTS_SHOWN = 100
SEARCH_MAX_CHARS = 64


@staff_page
@fresh_sign_in
def one(request: HttpRequest, book_id: int) -> HttpResponse:
    told = head(request, book_id, tab="lines")
    edits = None
    if request.method == "POST":
        edits = grid.read(request.POST)
        if _save(request, book_id, edits):
            return done(request, request.get_full_path(), _said(edits.number))
        told["edits"] = edits
    return show(request, "console/prices/lines.html", told | _matrix(request, book_id, edits))


def _save(request: HttpRequest, book_id: int, edits: Edits) -> bool:
    """False when something is wrong, which then stands at its cell."""
    checked = book_grid.GridChange(data=edits.body)
    if not checked.is_valid():
        _place(edits, checked.errors)
        return False
    if not edits.number:
        if edits.added:
            edits.errors[""] = _("Give the new line a price.")
        return not edits.added
    try:
        call(request, book_grid.BookGrid, "patch", body=edits.body, book_id=book_id)
    except LinesOvertaken as error:
        _overtaken(edits, error)
        return False
    except Exception as error:
        found = api.find(error)
        if found.status not in FOR_THE_FORM:
            raise
        edits.errors[""] = found.text or str(error)
        return False
    return True


def _place(edits: Edits, errors: Any) -> None:
    for kind in ("rules", "ratios"):
        found = errors.get(kind, {})
        if not isinstance(found, dict):
            edits.errors[""] = "; ".join(map(str, found))
            continue
        for place, row in found.items():
            edits.refuse(kind, int(place), _text(row))


def _text(row: Any) -> str:
    if not isinstance(row, dict):
        return "; ".join(map(str, row))
    named = [(name, str(text)) for name, texts in row.items() for text in texts]
    return "; ".join(text if name == "after" else f"{name}: {text}" for name, text in named)


def _overtaken(edits: Edits, error: LinesOvertaken) -> None:
    rules, ratios = list(edits.rules), list(edits.ratios)
    for place, amount in error.rules.items():
        edits.overtaken[rules[place]] = "" if amount is None else money.text(amount)
    for place, ratio in error.ratios.items():
        edits.overtaken[ratios[place]] = "" if ratio is None else f"{ratio.normalize():f}"
    edits.errors[""] = _(
        "Somebody else has changed some of these meanwhile. Nothing is saved yet: look at the "
        "marked cells; saving again puts your figures in their place."
    )


def _matrix(request: HttpRequest, book_id: int, edits: Edits | None) -> dict[str, Any]:
    asked = _asked(request)
    tenant_id = _tenant_id(asked)
    query = {} if tenant_id is None else {"tenant": tenant_id}
    data = call(request, book_grid.BookGrid, "get", query=query, book_id=book_id)
    groups = _groups(request)
    known = _scopes(request, data, groups, tenant_id)
    scopes = [known[token] for token in dict.fromkeys(asked) if token in known]
    scopes = scopes or _first(data, known)
    search = request.GET.get("q", "")[:SEARCH_MAX_CHARS]
    start = number(request.GET.get("from", ""))
    matrix = grid.make(
        data,
        scopes,
        pays={scope.token: _pays(request, book_id, scope) for scope in scopes},
        groups=groups,
        search=search,
        start=start or 0,
        edits=edits,
    )
    query_string = request.GET.copy()
    query_string.pop("from", None)
    chosen = {scope.token for scope in scopes}
    return {
        "matrix": matrix,
        "groups": groups,
        "search": search,
        "tenant_box": by_name.Typed(by_name.tenants_of(request), placeholder="").render(
            "tenant", "", {"id": "scope-tenant", "class": "form-control"}
        ),
        "lines_query": f"{query_string.urlencode()}&" if query_string else "",
        "choices": [(scope, scope.token in chosen) for scope in known.values()],
        "has_rules": bool(data["rules"] or data["tenants"]),
    }


def _asked(request: HttpRequest) -> list[str]:
    """Tokens of scopes; a tenant that is named takes the place of another."""
    asked = request.GET.getlist("scope")
    if (named := _named(request)) is not None:
        asked = [token for token in asked if not token.startswith("tenant:")] + [f"tenant:{named}"]
    return asked[-SCOPES_MAX:]


def _named(request: HttpRequest) -> int | None:
    text = request.GET.get("tenant", "").strip()
    try:
        return by_name.tenants_of(request).find(text) if text else None
    except ValidationError as error:
        messages.error(request, "; ".join(error.messages))
        return None


def _tenant_id(asked: list[str]) -> int | None:
    """One tenant at a time stands beside the groups."""
    ids = [token.removeprefix("tenant:") for token in asked if token.startswith("tenant:")]
    return next(filter(None, map(number, ids)), None)


def _groups(request: HttpRequest) -> list[str]:
    rows = call(request, tenants.Groups, "get", query={"limit": PAGE_ROWS_MAX})["data"]
    return sorted(row["name"] for row in rows)


def _scopes(
    request: HttpRequest, data: dict[str, Any], groups: list[str], tenant_id: int | None
) -> dict[str, Scope]:
    named = {rule["group"] for rule in data["rules"] if rule["group"] is not None}
    found = [EVERYBODY, *(Scope(name, group=name) for name in sorted({*groups, *named}))]
    rows = {row["tenant_id"]: row["tenant"] for row in data["tenants"][:TENANTS_SHOWN]}
    if tenant_id is not None and tenant_id not in rows:
        tenant = call(request, tenants.OneTenant, "get", tenant_id=tenant_id)
        rows[tenant_id] = tenant["name"]
    found += [Scope(name, tenant_id=pk) for pk, name in rows.items()]
    return {scope.token: scope for scope in found}


def _first(data: dict[str, Any], known: dict[str, Scope]) -> list[Scope]:
    """Everybody, and the groups that have lines of their own."""
    named = sorted({rule["group"] for rule in data["rules"] if rule["group"] is not None})
    return [EVERYBODY, *(known[f"group:{name}"] for name in named)][:SCOPES_FIRST]


def _pays(request: HttpRequest, book_id: int, scope: Scope) -> dict[str, dict[str, str]]:
    query: dict[str, Any] = {}
    if scope.tenant_id is not None:
        query["tenant"] = scope.tenant_id
    elif scope.group is not None:
        query["group"] = scope.group
    answer = call(request, book_grid.BookPrices, "get", query=query, book_id=book_id)
    return {row["name"]: row["prices"] for row in answer["data"]}


def _said(number: int) -> str:
    if not number:
        return _("Nothing was changed.")
    return ngettext("%d change is saved.", "%d changes are saved.", number) % number
