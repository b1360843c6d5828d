"""Who asks bench/console.py's addresses: an operator and a tenant's owner in the console, an
operator's key at the API; and in how many ways each of them would."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from rest_framework import serializers

from bench import addresses
from billing import management_keys
from billing.models import Member, Role, StaffMember, StaffRole, Tenant
from relay.api.v1 import paging

if TYPE_CHECKING:
    from bench.addresses import Address

# `ways_max`: so many different queries to one address at most.
HOST = "localhost"
NAME = "bench"
# Every single way; and so many of two filters at once.
PAIRS_MAX = 30


class Person:
    """Signed in to the console. Asks what the page offers."""

    ways_max = 30

    def __init__(self, name: str, user: Any) -> None:
        self.name = name
        self.client = Client(SERVER_NAME=HOST)
        self.client.force_login(user)

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        # All of a file or a stream, too.
        getattr(answer, "getvalue", lambda: b"")()
        return answer

    def ways(self, address: "Address", answer: Any, query: str) -> list[str]:
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            return []
        page = answer.content.decode()
        found = list(addresses.links_on(page, address.path))
        # One choice at a time, and the second page of each.
        return found if query else [*found, *addresses.filters_on(page)]


class Program:
    """A management key of the site. Asks what the operation's description offers."""

    ways_max = 120

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.client = Client(SERVER_NAME=HOST, HTTP_AUTHORIZATION=f"Bearer {key}")

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        getattr(answer, "getvalue", lambda: b"")()
        return answer

    def ways(self, address: "Address", answer: Any, query: str) -> list[str]:
        if query:
            return []
        fields = _query_fields(address.path)
        single = [(name, value) for name, field in fields.items() for value in _values(name, field)]
        found = _pages(address, answer)
        found += [urlencode([each]) for each in single]
        return found + [urlencode(pair) for pair in _pairs(single)]


def visitors(tenant_id: int, address: "Address") -> list[Any]:
    """Those who may ask for this address."""
    if address.path.startswith("/api/"):
        return [_program()]
    if address.is_of_a_tenant:
        return [_operator(), _owner(tenant_id)]
    return [_operator()]


_known: dict[str, Any] = {}


def come() -> None:
    """The site's own are there before one looks for what there is."""
    _program()
    _operator()


def forget() -> None:
    """Those of another database."""
    _known.clear()


def _program() -> Program:
    if "program" not in _known:
        _, key = management_keys.make(tenant=None, name=NAME, role=StaffRole.OPERATOR)
        _known["program"] = Program("program", key)
    return cast("Program", _known["program"])


def _operator() -> Person:
    if "operator" not in _known:
        user = _user("operator")
        StaffMember.objects.get_or_create(user=user, defaults={"role": StaffRole.OPERATOR})
        _known["operator"] = Person("operator", user)
    return cast("Person", _known["operator"])


def _owner(tenant_id: int) -> Person:
    if "owner" not in _known:
        user, tenant = _user("owner"), Tenant.objects.get(pk=tenant_id)
        Member.objects.get_or_create(user=user, tenant=tenant, defaults={"role": Role.OWNER})
        _known["owner"] = Person("owner", user)
    return cast("Person", _known["owner"])


def _user(role: str) -> Any:
    users = get_user_model()._default_manager
    name = f"{NAME}-{role}"
    user, _ = users.get_or_create(username=name, defaults={"email": f"{name}@example.com"})
    return user


def _query_fields(path: str) -> dict[str, Any]:
    view = resolve(path).func
    said = getattr(getattr(cast("Any", view).view_class, "get", None), "operation", None)
    return dict(said.query().fields) if said is not None and said.query else {}


def _values(name: str, field: Any) -> Iterator[str]:
    """What may be asked: each choice, both ends of a time, what there is and what there is not."""
    now = timezone.now()
    if name in ("limit", "after", "format", "first", "last"):
        return
    if isinstance(field, serializers.ChoiceField):
        yield from map(str, field.choices)
    elif isinstance(field, serializers.BooleanField):
        yield from ("true", "false")
    elif isinstance(field, serializers.DateTimeField):
        for days in (1, 30, 59, 400):
            yield (now - timedelta(days=days)).isoformat()
    elif name == "by":
        ways = _ways(field)
        yield from (",".join(some) for size in (1, 2) for some in combinations(ways, size))
    else:
        yield from _asked(name)


def _ways(field: Any) -> list[str]:
    """The words of a report's dimensions stand in its help: "Some of day, key, with …"."""
    told = str(field.help_text).removeprefix("Some of ").partition(", with")[0]
    return told.split(", ")


_SAMPLES = {
    "key": ("SELECT min(id) FROM billing_token", "SELECT max(id) FROM billing_token"),
    "channel": ("SELECT min(id) FROM channels_channel", "SELECT max(id) FROM channels_channel"),
    "tenant": ("SELECT min(id) FROM billing_tenant", "SELECT max(id) FROM billing_tenant"),
    "task": ("SELECT max(id) FROM relay_task", "SELECT 1"),
    "id": ("SELECT left(max(id)::text, 6) FROM relay_task", "SELECT '9'"),
    "reference": ("SELECT max(id)::text FROM relay_task", "SELECT 'nothing'"),
    "actor": ("SELECT max(actor) FROM common_auditentry", "SELECT 'nobody'"),
    "deed": ("SELECT max(deed) FROM common_auditentry", "SELECT 'nothing'"),
    "object_kind": ("SELECT max(object_kind) FROM common_auditentry", "SELECT 'nothing'"),
    "q": ("SELECT 'ten'", "SELECT 'nobody'", "SELECT 'who@example.com'"),
    "group": ("SELECT 'vip'", "SELECT 'nothing'"),
    "kind": ("SELECT 'nothing'",),
}


def _asked(name: str) -> Iterator[str]:
    for statement in _SAMPLES.get(name, ()):
        with connection.cursor() as cursor:
            cursor.execute(statement)
            (value,) = cursor.fetchone() or (None,)
        if value is not None:
            yield str(value)


def _pairs(single: list[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """Two filters at once; of each the last value, which the fewest rows have."""
    last = dict(single)
    return list(combinations(last.items(), 2))[:PAIRS_MAX]


def _pages(address: "Address", answer: Any) -> list[str]:
    """The second page, and one half way down."""
    is_json = answer.headers.get("Content-Type") == "application/json"
    told: dict[str, Any] = answer.json() if is_json else {}
    after = told.get("next")
    if not isinstance(after, str) or not told["data"]:
        return []
    found = [urlencode({"after": after})]
    first = str(told["data"][-1].get("id", ""))
    if address.path.endswith("/tasks") and first.isdigit():
        # Ids are milliseconds and a counter: a month ago.
        month = 30 * 86_400 * 1_000_000
        found.append(urlencode({"after": paging._cursor(int(first) - month)}))
    elif first.isdigit():
        found.append(urlencode({"after": paging._cursor(int(first) // 2)}))
    return found
