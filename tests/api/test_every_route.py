"""One row per route, prefix and kind of upstream: the whole life of each task, from its submit to
its picture and its price, or the refusal that is documented.

Run with -s for the table of routes and kinds.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import requests

from billing import books, money
from relay import actions
from tests.api import lives, routes
from tests.api.lives import Case, Life
from tests.api.routes import DIALECTS, NARROW, PREFIXES, ROWS, TRUEAI, TRUEAI_9, TRUEAI_11
from tests.api.upstreams import Upstream
from tests.prices import PRICES
from tests.stack import Stack

FUNDS = Decimal(1000)
NEWEST = "11.10"
VERSIONS = {TRUEAI: NEWEST, TRUEAI_9: "9.5", TRUEAI_11: "11.0"}
# All cost differently, so that a wrong price cannot be taken for the right one.
NAMES = actions.all_price_names()
PRICE_LIST = {name: money.text(10_000 + 1_000 * n) for n, name in enumerate(NAMES)}


def cases(dialect: str) -> list[Case]:
    """Older versions differ in their actions and not by the prefix."""
    prefixes = PREFIXES if dialect not in (TRUEAI_9, TRUEAI_11) else ["/mj"]
    return [Case(row, prefix) for prefix in prefixes for row in ROWS]


Lives = Callable[[str], dict[str, Life]]


@pytest.fixture(scope="module")
def prices(database: str) -> Iterator[None]:
    listed = ", ".join(f'"{name}": {price}' for name, price in PRICE_LIST.items())
    books.publish_json(f"{{{listed}}}", memo="every route")
    yield
    books.publish_json(PRICES, memo="tests")


@pytest.fixture(scope="module")
def upstreams(stack: Stack, prices: None) -> Callable[[str], Upstream]:
    opened: dict[str, Upstream] = {}

    def at(dialect: str) -> Upstream:
        if dialect not in opened:
            opened[dialect] = Upstream(stack, dialect.partition(" ")[0], funds=str(FUNDS))
        return opened[dialect]

    return at


@pytest.fixture(scope="module")
def lived(stack: Stack, upstreams: Callable[[str], Upstream]) -> Iterator[Lives]:
    """All cases of a kind of upstream, lived to their ends."""
    done: dict[str, dict[str, Life]] = {}

    def at(dialect: str) -> dict[str, Life]:
        if dialect not in done:
            speak(stack, VERSIONS.get(dialect, NEWEST))
            found = lives.run(dialect, upstreams(dialect), cases(dialect), PRICE_LIST)
            done[dialect] = {life.case.state: life for life in found}
            speak(stack, NEWEST)
        return done[dialect]

    yield at
    print(table(done))


def speak(stack: Stack, version: str) -> None:
    url = f"{stack.sandbox_url}/sandbox/control"
    requests.post(url, json={"trueai_version": version}, timeout=5).raise_for_status()


def table(done: dict[str, dict[str, Life]]) -> str:
    """Route by kind of upstream, the prefixes of a row taken together."""
    lines = ["", "| route | " + " | ".join(done) + " |", "|---" * (len(done) + 1) + "|"]
    for row in ROWS:
        words = [_word(row, dialect, found) for dialect, found in done.items()]
        lines.append(f"| {row} | " + " | ".join(words) + " |")
    return "\n".join(lines)


def _word(row: routes.Row, dialect: str, found: dict[str, Life]) -> str:
    its = [life for life in found.values() if life.case.row is row]
    failed = sum(bool(life.problems) for life in its)
    if failed:
        return f"FAIL {failed}/{len(its)}"
    return f"{row.no.get(dialect, 'pass')} {len(its)}"


@pytest.mark.parametrize(
    ("dialect", "case"),
    [
        pytest.param(dialect, case, id=f"{dialect}-{case.state}")
        for dialect in DIALECTS
        for case in cases(dialect)
    ],
)
def test_a_task_lives_as_the_contract_has_it(lived: Lives, dialect: str, case: Case) -> None:
    life = lived(dialect)[case.state]
    assert not life.problems, "\n".join([*life.problems, *(a.text for a in life.answers)])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_wallet_has_paid_for_what_was_drawn_and_for_nothing_else(
    lived: Lives, upstreams: Callable[[str], Upstream], dialect: str
) -> None:
    lived(dialect)
    account = upstreams(dialect).account
    captured = [Decimal(amount) for kind, amount, _ in account.entries() if kind == "capture"]
    assert account.funds == (money.text(money.to_micro(str(FUNDS + sum(captured)))), "0.00")


QUERIES = {
    "fetch": lambda at, task: at("GET", f"task/{task['id']}/fetch").json() == task,
    "list-by-condition": lambda at, task: (
        at("POST", "task/list-by-condition", json={"ids": [int(task["id"]), "7"]}).json() == [task]
    ),
    "list-by-ids": lambda at, task: (
        at("POST", "task/list-by-ids", json={"ids": [task["id"]]}).json() == [task]
    ),
    "list": lambda at, task: 10 < len(at("GET", "task/list").json()) <= 100,
    "queue": lambda at, task: at("GET", "task/queue").json() == [],
    "image": lambda at, task: (
        at("GET", task["imageUrl"].partition("/mj/")[2]).headers["Content-Type"] == "image/png"
    ),
    "cancel": lambda at, task: (
        at("POST", f"task/{task['id']}/cancel").json()["type"] == "invalid_request"
    ),
}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("dialect", DIALECTS[:3])
def test_a_query_is_answered_under_every_prefix(
    lived: Lives, upstreams: Callable[[str], Upstream], dialect: str, prefix: str, query: str
) -> None:
    lived(dialect)
    upstream = upstreams(dialect)

    def at(method: str, route: str, **sent: object) -> requests.Response:
        return upstream.account.request(method, f"{prefix}/{route}", **sent)

    assert QUERIES[query](at, upstream.grid)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("dialect", DIALECTS[:3])
def test_a_seed_is_told_of_what_was_drawn(
    upstreams: Callable[[str], Upstream], dialect: str, prefix: str
) -> None:
    upstream = upstreams(dialect)
    path = f"{prefix}/task/{upstream.grid['id']}/image-seed"
    answer = upstream.account.request("GET", path)
    if dialect == NARROW:
        assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request")
    else:
        assert answer.json()["code"] == 1
        assert answer.json()["result"].isdigit()


@pytest.mark.parametrize("dialect", [TRUEAI, routes.NEWAPI])
def test_an_upload_has_no_seed(upstreams: Callable[[str], Upstream], dialect: str) -> None:
    upstream = upstreams(dialect)
    upstream.submit("upload-discord-images", {"base64Array": [routes.NAVY]})
    path = f"/mj/task/{upstream.account.last_task.pk}/image-seed"
    answer = upstream.account.request("GET", path)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request"), answer.text


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("dialect", DIALECTS[:3])
def test_a_heart_is_free_and_no_task(
    upstreams: Callable[[str], Upstream], dialect: str, prefix: str
) -> None:
    upstream = upstreams(dialect)
    grid, before = upstream.grid, upstream.account.written
    body = {"taskId": grid["id"], "customId": "MJ::BOOKMARK::abc"}
    answer = upstream.account.request("POST", f"{prefix}/submit/action", json=body)
    assert (answer.json()["code"], answer.json()["result"]) == (1, grid["id"])
    assert upstream.account.written == before
