"""What holds on every page, whoever looks: nobody's forms but ours, nothing of another tenant,
no scripts but our files, and hostile texts are only texts."""

import re

import pytest
from django.test import Client

from console.security import POLICY
from tests.console.role_table import (
    NETWORK,
    PLACES,
    TABLE,
    Markup,
    address,
    as_before,
    body,
    expected,
    outcome,
    pages,
    row_headers,
)
from tests.console.town import ACTING, MEMBERS, PEOPLE, SECRET, STRANGERS, Town, ids_for, taken_back

# Questions that are the same whatever the number is; and a list of one's own that is shortened by
# what was never on it.
SAY_NOTHING = (
    ("get", "switch-hook-on"),
    ("get", "withdraw-invitation"),
    ("post", "playground-forget"),
)


def test_without_its_token_no_form_is_taken_from_anybody(town: Town) -> None:
    wrong = []
    for who in ("nobody", "owner", "operator"):
        client = Client(enforce_csrf_checks=True)
        cookies = town.clients[who].cookies.items()
        client.cookies.load({name: morsel.value for name, morsel in cookies})
        for name in TABLE:
            with taken_back() as written:
                sent = body(town, name)
                written.clear()
                answer = client.post(address(town, name), sent)
            if answer.status_code != 403 or written:
                wrong.append(f"{name} as {who}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_another_tenant_s_things_are_not_there(town: Town, who: str) -> None:
    """With every id of the other tenant, below the own address."""
    wrong = []
    of_tenant = [name for name, place in PLACES.items() if re.findall("<", place.route)[1:]
                 and place.is_of_tenant]  # fmt: skip
    assert len(of_tenant) > 20
    for name in of_tenant:
        there = PLACES[name].address(ids_for(town, PLACES[name], town.other))
        for method in ("get", "post"):
            with taken_back() as written:
                sent = body(town, name) if method == "post" else {}
                written.clear()
                answer = getattr(town.clients[who], method)(there, sent)
            is_right = outcome(answer) in ("nothing", "no page")
            if (method, name) in SAY_NOTHING:
                is_right, written = outcome(answer) == "shown", []
            if not is_right or written or SECRET in answer.content.decode():
                wrong.append(f"{method} {name}: {answer.status_code} {written[:1]}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("who", [*MEMBERS, ACTING])
def test_nothing_of_another_tenant_stands_on_any_page(town: Town, who: str) -> None:
    client, other = town.clients[who], town.other
    signs = (SECRET, str(other.task.pk), other.order.number, other.account.channel.name)
    wrong = []
    for name, place in PLACES.items():
        if not place.is_of_tenant or TABLE[name].is_post:
            continue
        with taken_back():
            page = client.get(address(town, name)).content.decode(errors="replace")
        wrong += [f"{name}: {sign}" for sign in signs if sign in page]
    below = [
        place for place in PLACES.values() if place.route.startswith("tenants/<int:tenant_id>")
    ]
    for place in below:
        ids = ids_for(town, place, other) | {"tenant_id": other.tenant.pk}
        for method in ("get", "post"):
            with taken_back() as written:
                answer = getattr(client, method)(place.address(ids))
            wanted = ("nothing", "no page") if who != ACTING or method == "get" else ("refused",)
            if outcome(answer) not in wanted or written or SECRET in answer.content.decode():
                wrong.append(f"{method} {place.name} there: {answer.status_code}")
    paid = client.get(f"/console/paid/{other.order.number}/")
    assert (paid.status_code, SECRET in paid.content.decode()) == (200, False)
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_is_strict_and_hostile_texts_are_harmless(town: Town, who: str) -> None:
    wrong, seen = [], ""
    for name, answer in pages(town, who):
        page = answer.content.decode()
        seen += page
        policy = answer["Content-Security-Policy"]
        # The reference is somebody else's program, which writes styles as it runs.
        if policy != POLICY and name != "docs-reference":
            wrong.append(f"{name}: {policy}")
        wrong += [f"{name}: {fault}" for fault in Markup(page).faults]
        if "<script>alert" in page or "\x00" in page:
            wrong.append(f"{name}: the hostile text is markup")
    assert wrong == [], "\n".join(wrong)
    if who not in STRANGERS:
        assert "&lt;script&gt;alert(1)" in seen


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_nuls_and_nonsense_are_refused_everywhere_and_break_nothing(town: Town, who: str) -> None:
    wrong = []
    for name, row in TABLE.items():
        if name in NETWORK or (not row.is_elsewhere and expected(name, who, "get") == "nothing"):
            continue
        nonsense = ("a\x00b", "9" * 40, "\udcff".encode("utf-8", "surrogatepass").decode("latin-1"))
        for text in nonsense:
            query = {"q": text, "after": text, "state": text, "since": text, "tenant": text,
                     "first": text, "by": text, "group": text, "id": text}  # fmt: skip
            with as_before(town.clients[who]):
                looked = town.clients[who].get(address(town, name).split("?")[0], query)
            if looked.status_code >= 500:
                wrong.append(f"get {name} {text!r}: {looked.status_code}")
        with as_before(town.clients[who]) as written:
            sent = {label: f"{value}\x00" for label, value in body(town, name).items()}
            written.clear()
            answer = town.clients[who].post(address(town, name), sent, headers=row_headers(name))
        # A page that asks only "do you mean it?" has nothing of what is sent.
        if answer.status_code >= 500 or any("\x00" in text for text in written):
            wrong.append(f"post {name}: {answer.status_code}")
    assert wrong == [], "\n".join(wrong)
