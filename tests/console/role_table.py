"""Every page of the console as data: who sees it, and who does what it is for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

from django.test import Client

from billing import codes
from tests.console.town import ACTING, MEMBERS, STAFF, STRANGERS, Town, ids_for, places, taken_back

EVERYBODY = "owner admin finance developer viewer operator support site-finance"
DRAWS = "owner admin developer"
KEYS = "owner admin developer operator"
SWITCHES = f"{KEYS} support"
BUYS = "owner admin finance operator site-finance"
ACCESS = "owner admin operator"
ROLES = "owner operator"
SITE = "operator support site-finance"
MONEY = "operator site-finance"
OPERATOR = "operator"


@dataclass(frozen=True)
class Row:
    """A page. `see`: who opens it; others of the tenant or of the staff are told that they may
    not, and who is neither is told that there is nothing.

    `do`: whose POST of `body` does what the page is for; None where there is nothing to do.
    `asks`: whether one with an old sign-in must confirm it, to "do" it or even to "see" the page.
    """

    see: str = EVERYBODY
    do: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    asks: str = ""
    # There is no page: only a POST is answered.
    is_post: bool = False
    # Only a GET is answered.
    is_get: bool = False
    # It asks somebody over the network, or there is nothing for it to do in this town: it is
    # enough that the right people are not refused. (It is done in tests of its own.)
    is_elsewhere: bool = False
    query: str = ""
    # Hidden inputs that are sent as the page has them.
    takes: tuple[str, ...] = ()
    # Whoever is not signed in sees it, too.
    is_open: bool = False
    # A tenant's page that only the site's people may use.
    is_shared: bool = False


def post(do: str, **more: Any) -> Row:
    return Row(do=do, is_post=True, **more)


def form(do: str, body: dict[str, Any] | None = None, asks: str = "", **more: Any) -> Row:
    """Seen only by those who may send it."""
    return Row(do, do, body or {}, asks, **more)


NEW_CHANNEL = {"kind": "midjourney_proxy", "base_url": "https://upstream.example",
               "priority": "0", "weight": "1"}  # fmt: skip
# Forms take what is theirs of it.
COMMON = {
    "name": "made here", "reason": "because", "memo": "because", "amount": "1",
    "reference": "mine-1", "credit_limit": "1", "email": "somebody@new.example", "role": "viewer",
    "title": "news", "text": "news", "level": "info", "audience": "all",
}  # fmt: skip
TABLE = {
    "home": Row(is_open=False),
    "display": post(EVERYBODY, is_elsewhere=True, is_open=True),
    "sign-in": Row(is_open=True),
    "sign-out": post(EVERYBODY, is_elsewhere=True, is_open=True),
    "paid": Row(is_open=True),
    # Of the site.
    "suggest-tenants": Row(SITE),
    "suggest-channels": Row(SITE),
    "overview": Row(SITE),
    "tasks": Row(SITE),
    "task": Row(SITE),
    "look-at-task": post("operator support", is_elsewhere=True),
    "settle-task": form(OPERATOR, {"outcome": "failed"}, "do"),
    "refund-task": form(MONEY, {"amount": "0.05"}, "do"),
    "channels": Row(SITE),
    "new-channel": form(OPERATOR, NEW_CHANNEL, "see"),
    "several-channels": form(OPERATOR, query="?state=draining&channel={channel_id}"),
    "channel": Row(SITE),
    "change-channel": form(OPERATOR, NEW_CHANNEL, "see"),
    "clone-channel": form(OPERATOR, {}, "do"),
    "delete-channel": form(OPERATOR),
    "set-channel": post(OPERATOR, body={"priority": "7"}),
    "channel-state": form(OPERATOR),
    "close-breaker": form(OPERATOR),
    "test-channel": post("operator support", is_elsewhere=True),
    "channel-costs": form(OPERATOR, {"row0-name": "mj_video", "row0-amount": "0.4"}, "see",
                         takes=("seen", "number")),
    "channel-history": Row(SITE),
    "channel-attempts": Row(SITE),
    "channel-probes": Row(SITE),
    "new-credential": form(OPERATOR, {"name": "second", "secret": "sesame"}, "do"),
    "change-credential": form(OPERATOR, {"secret": "sesame"}, "do"),
    "credential-off": form(OPERATOR),
    "credential-on": form(OPERATOR, {}, "do"),
    "delete-credential": form(OPERATOR, {}, "do"),
    "tenants": Row(SITE),
    "new-tenant": form(OPERATOR, {"group": "{group}"}),
    "groups": Row(SITE),
    "new-group": form(OPERATOR),
    "codes": Row(MONEY),
    "new-codes": form(MONEY, {"count": "1"}, "see"),
    "code-batch": Row(MONEY),
    "disable-codes": form(MONEY, {}, "do"),
    "disable-code": form(MONEY, {}, "do"),
    "top-ups": Row(SITE),
    "top-up-of-somebody": Row(SITE),
    "settle-top-up": form(MONEY, {}, "do"),
    "dismiss-top-up": form(MONEY, {}, "do"),
    "reports": Row(MONEY),
    "prices": Row(MONEY),
    "new-book": form(OPERATOR, {}, "do"),
    "price-look-up": Row(MONEY),
    "book": Row(MONEY, OPERATOR, {"ratio": "1.5", "ratio_group": "{group}"}, "do",
                takes=("shown",)),
    "book-diff": Row(MONEY),
    "book-preview": Row(MONEY),
    "book-files": Row(MONEY),
    "book-content": Row(MONEY),
    "book-new-api": Row(MONEY),
    "describe-book": form(OPERATOR, {}, "do"),
    "publish-book": form(OPERATOR, {}, "do"),
    "withdraw-book": form(OPERATOR, {}, "do"),
    "roll-back-book": form(OPERATOR, {}, "do"),
    "discard-book": form(OPERATOR, {}, "do"),
    "announcements": Row(SITE),
    "new-announcement": form(OPERATOR),
    "change-announcement": form(OPERATOR),
    "end-announcement": form(OPERATOR),
    "delete-announcement": form(OPERATOR),
    "settings": Row(OPERATOR),
    "change-settings": form(OPERATOR, {"site_name": "Mine"}, "do"),
    "reset-setting": form(OPERATOR, {}, "do"),
    "site-notices": Row(SITE),
    "site-staff": Row(OPERATOR),
    "add-staff": form(OPERATOR, {"person": "{stranger}", "role": "support"}, "do"),
    "change-staff": form(OPERATOR, {"role": "finance"}, "do"),
    "remove-staff": form(OPERATOR, {}, "do"),
    "password-link": form(OPERATOR, {"person": "{stranger}"}, "do"),
    "remove-factors": form(OPERATOR, {"person": "{careless}"}, "do"),
    "site-invitations": Row(OPERATOR),
    "site-new-invitation": form(OPERATOR, {"role": "support"}, "do"),
    "site-withdraw-invitation": form(OPERATOR, {}, "do"),
    "site-management-keys": Row(OPERATOR),
    "site-new-management-key": form(OPERATOR, {"role": "support"}, "do"),
    "site-rotate-management-key": form(OPERATOR, {}, "do"),
    "site-disable-management-key": form(OPERATOR),
    "site-enable-management-key": form(OPERATOR, {}, "do"),
    "site-audit": Row(OPERATOR),
    # The site's, of one tenant: the tenant's own people are told that there is nothing.
    "tenant-settings": Row(SITE),
    "change-tenant": form(OPERATOR, {"group": "{group}"}, "do"),
    "disable-tenant": form(OPERATOR, {}, "do"),
    "enable-tenant": form(OPERATOR, {}, "do"),
    # Of a tenant.
    "suggest-keys": Row(),
    "tenant": Row(),
    "tenant-task": Row(),
    "gallery": Row(),
    "playground": Row(do=DRAWS, body={"kind": "imagine", "key": "{key_id}", "prompt": "a pier"},
                      is_elsewhere=True),
    "playground-preview": post(EVERYBODY, is_elsewhere=True),
    "playground-task": Row(is_get=True),
    "playground-press": post(DRAWS, is_elsewhere=True),
    "playground-confirm": post(DRAWS, is_elsewhere=True),
    "playground-cancel": post(DRAWS, is_elsewhere=True),
    "playground-seed": post(DRAWS, is_elsewhere=True),
    "playground-code": Row(is_get=True),
    "playground-forget": post(EVERYBODY, is_elsewhere=True),
    "keys": Row(),
    "new-key": form(KEYS, asks="do"),
    "key": Row(),
    "change-key": form(KEYS, asks="do"),
    "rotate-key": form(KEYS, asks="do"),
    "disable-key": form(SWITCHES),
    "enable-key": form(SWITCHES, asks="do"),
    "callbacks": Row(),
    "callback": Row(),
    "replay-callback": form(SWITCHES),
    "replay-callbacks": form(SWITCHES, {"since": "2001-01-01T00:00", "states": ["given_up"]}),
    "hooks": Row(),
    "change-hooks": form(KEYS, body={"default_hook": "https://receiver.example/"}),
    "hook-secret": form(KEYS, asks="do"),
    "rotate-hook-secret": form(KEYS, asks="do"),
    "switch-hook-on": form(SWITCHES),
    "hook-tests": Row(),
    "new-hook-test": form(KEYS, is_elsewhere=True),
    "members": Row(),
    "add-member": form(OPERATOR, body={"person": "{stranger}"}, asks="do", is_shared=True),
    # Who is no member of it is told so.
    "leave-tenant": Row(do=EVERYBODY, is_elsewhere=True),
    "change-member": form(ROLES, body={"role": "finance"}, asks="do"),
    "remove-member": form(ROLES, asks="do"),
    "invitations": Row(ACCESS),
    "new-invitation": form(ACCESS, asks="do"),
    "withdraw-invitation": form(ACCESS, asks="do"),
    "management-keys": Row(ACCESS),
    "new-management-key": form(ACCESS, asks="do"),
    "rotate-management-key": form(ACCESS, asks="do"),
    "disable-management-key": form(ACCESS),
    "enable-management-key": form(ACCESS, asks="do"),
    "docs": Row(),
    "docs-reference": Row(),
    "docs-key": form(KEYS, asks="do"),
    "entries": Row(),
    "book-top-up": form(MONEY, asks="do", is_shared=True),
    "adjust-wallet": form(MONEY, asks="do", is_shared=True),
    "credit-limit": form(MONEY, asks="do", is_shared=True),
    "refill-test-wallet": form(KEYS, is_elsewhere=True),
    "usage": Row(),
    "statements": Row(),
    "tenant-prices": Row(),
    "top-up": Row(),
    "redeem-code": form(BUYS, body={"code": "{code}"}, asks="see"),
    # No payment service is set up here; it leads back.
    "order-top-up": form(BUYS, asks="see", is_elsewhere=True),
    "top-up-order": Row(),
    "thresholds": form(BUYS, body={"amounts": "7"}),
    "notices": Row(),
    "change-notices": form(KEYS, body={"notice_mails": "a@b.example"}),
    "audit": Row(ACCESS),
}  # fmt: skip
PLACES = {place.name: place for place in places()}
PART = {"HX-Request": "true"}
# What the API says to a role that may not; the playground shows it where one has clicked.
REFUSAL = re.compile(r"role \S+ may not")


def address(town: Town, name: str) -> str:
    ids = ids_for(town, PLACES[name])
    return PLACES[name].address(ids) + TABLE[name].query.format(**ids)


def body(town: Town, name: str) -> dict[str, Any]:
    """What is sent, with the things of this town in it."""
    wanted: dict[str, Any] = COMMON | TABLE[name].body
    if "{code}" in wanted.values():
        _, (code,) = codes.make(name="one", count=1, amount=1_000_000, expires_at=None, actor="x")
        wanted["code"] = code
    if TABLE[name].takes:
        page = town.clients["operator"].get(address(town, name)).content.decode()
        for label in TABLE[name].takes:
            found = re.search(rf'name="{label}" value="([^"]*)"', page)
            assert found, (name, label)
            wanted[label] = unescape(found[1])
    known = {
        "stranger": town.stranger.username,
        "careless": town.careless.username,
        "group": town.own.tenant.group.name,
        "key_id": town.own.key.pk,
    }
    return {
        label: known.get(value.strip("{}"), value) if isinstance(value, str) else value
        for label, value in wanted.items()
    }


def outcome(answer: Any) -> str:
    where = answer.get("Location") or answer.get("HX-Redirect")
    if where:
        if where.startswith("/console/account/login/"):
            return "sign in"
        return "confirm" if "/reauthenticate/" in where else "shown"
    if answer.status_code == 200:
        is_page = answer["Content-Type"].startswith("text/html")
        refused = is_page and REFUSAL.search(answer.content.decode())
        return "refused" if refused else "shown"
    found = {403: "refused", 404: "nothing", 405: "no page", 409: "shown"}
    return found.get(answer.status_code, str(answer.status_code))


def expected(name: str, who: str, method: str) -> str:
    row, place = TABLE[name], PLACES[name]
    is_site = set(row.see.split()) <= set(STAFF) and not (row.is_open or row.is_shared)
    if method == "post" and who == ACTING and name not in ("display", "sign-out"):
        return "refused"
    if row.is_post and method == "get":
        return "no page" if row.is_open else "no page or hidden"
    if name in ("sign-in", "sign-out"):
        return "sign in"
    if row.is_open:
        return "shown"
    if who == "nobody":
        return "sign in"
    if name == "home":
        return "shown"
    role = "owner" if who == ACTING else who
    is_hidden = role in STRANGERS or (role in MEMBERS and (is_site or not place.is_of_tenant))
    if is_hidden:
        return "nothing"
    if row.is_get and method == "post":
        return "no page"
    may = row.do if method == "post" and row.do is not None else row.see
    return "shown" if role in may.split() else "refused"


@contextmanager
def as_before(client: Client) -> Iterator[list[str]]:
    """Nothing of what happens within stays, and he is signed in as he was: what was written."""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    with taken_back() as written:
        yield written
    client.cookies.load(cookies)


def is_as(wanted: str, found: str) -> bool:
    if wanted == "no page or hidden":
        return found in ("no page", "nothing", "sign in")
    return found == wanted


# These wait for somebody else's answer, without a connection to the database.
NETWORK = ("test-channel", "playground", "playground-seed", "look-at-task", "new-hook-test")


def row_headers(name: str) -> dict[str, str]:
    return PART if name.startswith("playground") else {}


class Markup(HTMLParser):
    """What a page has of scripts, styles and addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.addresses: set[str] = set()
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._inside = tag if tag in ("script", "style") else ""
        is_data = (
            str(named.get("type")).startswith("application/json") if tag == "script" else False
        )
        if tag == "style" or (tag == "script" and not named.get("src") and not is_data):
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            text = (value or "").strip()
            if name == "style" or name.startswith(("on", "hx-on", "data-hx-on")):
                self.faults.append(f"{tag} {name}")
            if name in ("href", "src", "action", "formaction", "hx-get", "hx-post"):
                self.addresses.add(text)
                if re.match(r"(?i)\s*(javascript|vbscript|https?|//)", text):
                    self.faults.append(f"{tag} {name}={text[:60]}")


def pages(town: Town, who: str) -> Iterator[tuple[str, Any]]:
    """Every page that he sees, rendered."""
    for name, row in TABLE.items():
        if row.is_post or expected(name, who, "get") != "shown" or name == "sign-in":
            continue
        with as_before(town.clients[who]):
            answer = town.clients[who].get(address(town, name))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            yield name, answer
