"""Tokens become keys of the tenants that their users became; the keys themselves stay as they are.

Where a restriction cannot be carried over, the key comes switched off: nothing may be allowed here
that was refused there.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from billing import tokens
from common import addresses, money
from relay.newapi_import import here as here_
from relay.newapi_import import names, values
from relay.newapi_import.errors import Unfit
from relay.newapi_import.options import UsableGroups
from relay.newapi_import.source import Row
from relay.newapi_import.tally import Findings, Tally, to_micro
from relay.newapi_import.users import GROUP_MAX_CHARS

ENABLED, DISABLED, EXPIRED, EXHAUSTED = 1, 2, 3, 4
NEVER = -1
AUTO_GROUP = "auto"
NAME_MAX_CHARS = 100
SHOWN_SHARE = 4
# The year 9999; later is never.
LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
# What fits into a header.
_KEY = re.compile(r"[!-~]+")
_BETWEEN_ADDRESSES = re.compile(r"[\s,;]+")
OFF = "keys switched off: "


@dataclass
class NewKey:
    """`typed` is the key as its owner has it. `budget` is micro-units, None for no limit."""

    token_id: int
    user_id: int
    name: str
    is_active: bool
    expires_at: datetime | None
    group: str
    budget: int | None
    digest: bytes
    prefix: str
    typed: str = field(repr=False)
    actions: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)


@dataclass
class Keys:
    new: list[NewKey]
    tally: Tally


class _Reader:
    def __init__(
        self,
        *,
        homes: dict[int, str],
        usable: UsableGroups | None,
        per_unit: Decimal,
        findings: Findings,
    ) -> None:
        self.homes = homes
        self.usable = usable
        self.per_unit = per_unit
        self.findings = findings
        self.seen: set[bytes] = set()
        self.keys = Keys(new=[], tally=Tally())

    def take(self, row: Row) -> None:
        tally = self.keys.tally
        tally.there += 1
        if values.is_deleted(row):
            tally.deleted += 1
            return
        shown = values.shown("key", row)
        try:
            self.keys.new.append(self._key(row, shown))
        except Unfit as error:
            tally.skipped += 1
            self.findings.add(f"keys skipped: {error}", shown)

    def _key(self, row: Row, shown: str) -> NewKey:
        token_id = values.integer(row, "id")
        user_id = values.integer(row, "user_id")
        if user_id not in self.homes:
            raise Unfit("the user is deleted or not imported")
        typed = _typed(row)
        digest = tokens.digest(typed)
        if digest in self.seen:
            raise Unfit("the same key is there twice")
        key = NewKey(
            token_id=token_id,
            user_id=user_id,
            name=values.tidy(values.text(row, "name"), limit=NAME_MAX_CHARS) or f"key {token_id}",
            is_active=True,
            expires_at=_expiry(row),
            group=self._group(row, shown),
            budget=self._budget(row, shown),
            digest=digest,
            prefix=_prefix(typed),
            typed=typed,
            actions=names.of_models(_models(row)),
            addresses=_networks(row)[0],
        )
        self._switch_off(key, self._whys(row, key), shown)
        # Only now: a row that was skipped does not take the key from the next one.
        self.seen.add(digest)
        return key

    def _switch_off(self, key: NewKey, whys: Iterable[str], shown: str) -> None:
        for why in whys:
            key.is_active = False
            self.findings.add(OFF + why, shown)

    def _whys(self, row: Row, key: NewKey) -> Iterable[str]:
        status = values.integer(row, "status", default=ENABLED)
        if status == DISABLED:
            yield "they were disabled"
        elif status not in (ENABLED, EXPIRED, EXHAUSTED):
            yield "their status is not known"
        elif status == EXPIRED and (key.expires_at is None or key.expires_at > datetime.now(UTC)):
            yield "marked as expired, though their time has not come"
        elif status == EXHAUSTED and key.budget != 0:
            yield "marked as used up, though something is left"
        if _is_limited(row) and not key.actions:
            yield "limited to models that draw nothing here"
        if _networks(row)[1]:
            yield "among their addresses is something that is no address"
        if key.group and not self._may_use(key):
            yield "their group may not be used by their user"

    def _may_use(self, key: NewKey) -> bool:
        return self.usable is None or self.usable.allow(
            home=self.homes[key.user_id], group=key.group
        )

    def _group(self, row: Row, shown: str) -> str:
        """ "" for the tenant's."""
        group = values.tidy(values.text(row, "group"), limit=GROUP_MAX_CHARS + 1)
        if len(group) > GROUP_MAX_CHARS:
            raise Unfit("the name of the group is too long")
        if group == AUTO_GROUP:
            self.findings.add("keys of the group auto: they use their tenant's group", shown)
            return ""
        return group

    def _budget(self, row: Row, shown: str) -> int | None:
        if values.flag(row, "unlimited_quota"):
            return None
        left = to_micro(max(0, values.integer(row, "remain_quota")), self.per_unit)
        if left > money.LARGEST:
            self.findings.add("keys with an absurdly large budget: it was cut", shown)
        return min(left, money.LARGEST)


def plan(
    rows: list[Row],
    *,
    homes: dict[int, str],
    usable: UsableGroups | None,
    per_unit: Decimal,
    findings: Findings,
) -> Keys:
    """`homes` are the groups of the users that have a tenant here; `usable` is None where keys
    have no groups of their own (one-api)."""
    reader = _Reader(homes=homes, usable=usable, per_unit=per_unit, findings=findings)
    for row in rows:
        reader.take(row)
    return reader.keys


def leave_out_known(keys: Keys, *, tenants: dict[int, int], findings: Findings) -> None:
    """Leaves out of `keys.new` what is here already. `tenants`: of users imported earlier."""
    known = here_.owners(key.digest for key in keys.new)
    new = []
    for key in keys.new:
        if (owner := known.get(key.digest)) is None:
            new.append(key)
            keys.tally.imported += 1
        elif owner == tenants.get(key.user_id):
            keys.tally.here_already += 1
        else:
            keys.tally.skipped += 1
            findings.add("keys skipped: another tenant has the same key", f"key {key.token_id}")
    keys.new = new


def _typed(row: Row) -> str:
    """The column holds it without `sk-`; some derivatives keep that too."""
    key = values.text(row, "key")
    if not key:
        raise Unfit("there is no key")
    if not _KEY.fullmatch(key):
        raise Unfit("the key has signs in it that nobody can send")
    return key if key.startswith(tokens.KEY_PREFIX) else tokens.KEY_PREFIX + key


def _prefix(typed: str) -> str:
    """A short key is not given away by what it is recognised by."""
    secret = len(typed) - len(tokens.KEY_PREFIX)
    return typed[: len(tokens.KEY_PREFIX) + min(tokens.SHOWN_CHARS, secret // SHOWN_SHARE)]


def _expiry(row: Row) -> datetime | None:
    second = values.integer(row, "expired_time", default=NEVER)
    if second == NEVER or second > LAST_SECOND:
        return None
    return datetime.fromtimestamp(max(0, second), UTC)


def _is_limited(row: Row) -> bool:
    return values.flag(row, "model_limits_enabled") or bool(values.text(row, "models"))


def _models(row: Row) -> str:
    """new-api's list counts when it is switched on, one-api's when there is one."""
    if values.flag(row, "model_limits_enabled"):
        return values.text(row, "model_limits")
    return values.text(row, "models")


def _networks(row: Row) -> tuple[list[str], bool]:
    """(addresses and networks, whether something else was among them)."""
    said = values.text(row, "allow_ips") or values.text(row, "subnet")
    found, is_wrong = [], False
    for part in filter(None, _BETWEEN_ADDRESSES.split(said)):
        try:
            # Go takes an address inside of a network for that network.
            found.append(str(ipaddress.ip_network(part, strict=False)))
        except ValueError:
            is_wrong = True
    return addresses.tidy(found), is_wrong
