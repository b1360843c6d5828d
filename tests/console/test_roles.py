"""Who may see and do what: every page of the console with everybody."""

import re

import pytest
from django.urls import Resolver404, resolve

from tests.console.accounts.visitor import stale
from tests.console.role_table import (
    NETWORK,
    PLACES,
    TABLE,
    Markup,
    address,
    as_before,
    body,
    expected,
    is_as,
    outcome,
    pages,
    row_headers,
)
from tests.console.town import MEMBERS, PEOPLE, STAFF, Town


def test_the_table_has_every_page() -> None:
    assert set(PLACES) == set(TABLE)


@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_sees_what_the_table_says_and_looking_changes_nothing(
    town: Town, who: str
) -> None:
    wrong = []
    for name in TABLE:
        for method in ("get", "head") if who in ("owner", "operator") else ("get",):
            with as_before(town.clients[who]) as written:
                answer = getattr(town.clients[who], method)(address(town, name))
            found, wanted = outcome(answer), expected(name, who, "get")
            if not is_as(wanted, found) or written:
                wrong.append(f"{method} {name}: {found}, not {wanted}; {written[:1]}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_does_what_the_table_says_and_nothing_is_written_of_what_is_refused(
    town: Town, who: str
) -> None:
    wrong = []
    for name, row in TABLE.items():
        wanted = expected(name, who, "post")
        is_done = wanted == "shown" and row.do is not None
        if is_done and row.is_elsewhere and name in NETWORK:
            continue
        with as_before(town.clients[who]) as written:
            sent = body(town, name)
            written.clear()
            answer = town.clients[who].post(address(town, name), sent, headers=row_headers(name))
            found = outcome(answer)
        is_right = is_as(wanted, found)
        if is_done and not row.is_elsewhere:
            is_right = is_right and bool(written)
        elif not is_done:
            is_right = is_right and not written
        if not is_right:
            said = " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())[-700:]
            wrong.append(f"{name}: {found}, not {wanted}; {written[:1]} {said}")
    assert wrong == [], "\n".join(wrong)


def test_money_prices_secrets_and_roles_want_a_fresh_sign_in(town: Town) -> None:
    wrong = []
    for name, row in TABLE.items():
        if row.do is None and not row.asks:
            continue
        who = next(role for role in (row.do or row.see).split())
        client = town.clients[who]
        with as_before(client) as written:
            sent = body(town, name) if row.asks else {}
            stale(client)  # type: ignore[arg-type]  # any client has a session
            written.clear()
            looked = outcome(client.get(address(town, name)))
            is_asked = row.asks and outcome(client.post(address(town, name), sent)) == "confirm"
        if (looked == "confirm") != (row.asks == "see") or bool(row.asks) != bool(is_asked):
            wrong.append(f"{name} as {who}: {looked}")
        if row.asks and written:
            wrong.append(f"{name} as {who} writes {written[0]}")
    assert wrong == [], "\n".join(wrong)


def test_what_needs_no_fresh_sign_in_is_neither_money_nor_a_price_a_secret_or_a_role() -> None:
    """Each of these is meant to be quick: it stops something, or can be set back at once."""
    quick = {name for name, row in TABLE.items() if row.do is not None and not row.asks}
    assert quick == {
        "display", "sign-out", "look-at-task", "test-channel", "several-channels", "delete-channel",
        "set-channel", "channel-state", "close-breaker", "credential-off", "new-tenant",
        "new-group", "new-announcement", "change-announcement", "end-announcement",
        "delete-announcement", "site-disable-management-key", "disable-management-key",
        "disable-key", "playground", "playground-preview", "playground-press",
        "playground-confirm", "playground-cancel", "playground-seed", "playground-forget",
        "replay-callback", "replay-callbacks", "change-hooks", "switch-hook-on", "new-hook-test",
        "leave-tenant", "refill-test-wallet", "thresholds", "change-notices",
    }  # fmt: skip


@pytest.mark.parametrize("who", [*MEMBERS, *STAFF])
def test_what_one_may_not_press_is_not_on_the_page(town: Town, who: str) -> None:
    wrong = set()
    for name, answer in pages(town, who):
        for found in Markup(answer.content.decode()).addresses:
            target = target_of(found, answer.wsgi_request.path)
            row = TABLE.get(target)
            # (The playground and the grid of prices are pages to see as well.)
            if row is None or target in (name, "playground", "book", "display", "sign-out"):
                continue
            if expected(target, who, "get") not in ("shown", "no page or hidden"):
                wrong.add(f"{name} leads to {target}, which {who} may not see")
            elif row.do is not None and who not in row.do.split():
                wrong.add(f"{name} has {target}, which {who} may not do")
    assert wrong == set(), "\n".join(sorted(wrong))


def target_of(found: str, here: str) -> str:
    """The name of the page behind an address."""
    path = re.split(r"[?#]", found)[0] or here
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    return str(match.url_name) if match.view_name.startswith("console:") else ""
