"""Users become tenants with a wallet and somebody who signs in."""

import re
from dataclasses import dataclass, field

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from common import money
from relay.newapi_import import here as here_
from relay.newapi_import import names, values
from relay.newapi_import.errors import Unfit
from relay.newapi_import.here import Here
from relay.newapi_import.source import Row
from relay.newapi_import.tally import Findings, Money, Tally, to_micro

ENABLED, DELETED = 1, 3
ADMIN_ROLE = 10
NAME_MAX_CHARS = 100
GROUP_MAX_CHARS = 64
EMAIL_MAX_CHARS = 254
DEFAULT_GROUP = "default"
# As Go's bcrypt writes it. A cost beyond that would keep the sign-in busy for minutes.
_HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")


@dataclass
class NewTenant:
    """`balance` is micro-units, `password` a bcrypt hash or "" for none."""

    user_id: int
    name: str
    group: str
    is_active: bool
    balance: int
    reference: str
    sign_in_name: str
    email: str
    password: str = field(repr=False)


@dataclass
class Users:
    """`groups` is the user's own group there, of those that have a tenant here."""

    new: list[NewTenant]
    groups: dict[int, str]
    tally: Tally
    money: Money


class _Reader:
    def __init__(self, label: str, here: Here, money_: Money, findings: Findings) -> None:
        self.label = label
        self.here = here
        self.findings = findings
        self.seen: set[int] = set()
        self.users = Users(new=[], groups={}, tally=Tally(), money=money_)

    def take(self, row: Row) -> None:
        tally = self.users.tally
        tally.there += 1
        if values.is_deleted(row) or row.get("status") == DELETED:
            tally.deleted += 1
            return
        quota = 0
        try:
            quota = values.integer(row, "quota")
            self._take(row, _number(row, self.seen), quota)
        except Unfit as error:
            tally.skipped += 1
            self.users.money.skipped += quota
            self.findings.add(f"users skipped: {error}", values.shown("user", row))

    def _take(self, row: Row, user_id: int, quota: int) -> None:
        group = values.tidy(values.text(row, "group"), limit=GROUP_MAX_CHARS + 1) or DEFAULT_GROUP
        if len(group) > GROUP_MAX_CHARS:
            raise Unfit("the name of the group is too long")
        if user_id in self.here.tenants:
            self.users.tally.here_already += 1
            self.users.money.here_already += quota
        else:
            self._make(row, user_id, quota, group)
        self.users.groups[user_id] = group

    def _make(self, row: Row, user_id: int, quota: int, group: str) -> None:
        balance = to_micro(quota, self.users.money.per_unit)
        if abs(balance) > money.LARGEST:
            raise Unfit("the balance is absurdly large")
        status = values.integer(row, "status", default=ENABLED)
        role = values.integer(row, "role")
        tenant = self._named(row, user_id, group, balance)
        tenant.is_active = status == ENABLED
        self._tell(tenant, role)
        self.users.new.append(tenant)
        self.users.tally.imported += 1
        self.users.money.imported += quota
        self.users.money.micro += balance

    def _named(self, row: Row, user_id: int, group: str, balance: int) -> NewTenant:
        said = values.text(row, "username")
        suffix = f"{self.label}-{user_id}"
        wanted = values.tidy(said, limit=NAME_MAX_CHARS)
        # As Django's sign-in form writes what was typed.
        typed = AbstractUser.normalize_username(wanted)[:NAME_MAX_CHARS]
        tenant = NewTenant(
            user_id=user_id,
            name=_free(wanted or suffix, self.here.tenant_names, suffix),
            group=group,
            is_active=True,
            balance=balance,
            reference=here_.reference(self.label, user_id),
            sign_in_name=_free(typed or suffix, self.here.sign_in_names, suffix),
            email=_email(row),
            password=_password(row),
        )
        shown = f"user {user_id} ({tenant.sign_in_name})"
        if tenant.name != said:
            self.findings.add("users whose name is taken or cannot be kept", shown)
        if tenant.sign_in_name != said:
            self.findings.add("users who sign in by another name now", shown)
        return tenant

    def _tell(self, tenant: NewTenant, role: int) -> None:
        row = f"user {tenant.user_id}"
        if tenant.balance < 0:
            debt = money.text(-tenant.balance)
            self.findings.add("users in debt: their credit limit is the debt", f"{row} ({debt})")
        if not tenant.password:
            self.findings.add("users without a password that can be carried over", row)
        if role >= ADMIN_ROLE:
            self.findings.add("administrators there, ordinary tenants here", row)


def plan(rows: list[Row], *, label: str, here: Here, money_: Money, findings: Findings) -> Users:
    """Marks the names that it gives away as taken in `here`."""
    reader = _Reader(label, here, money_, findings)
    for row in sorted(rows, key=_order):
        reader.take(row)
    return reader.users


def ids(rows: list[Row]) -> list[int]:
    """The numbers of all users that have one."""
    return [row["id"] for row in rows if type(row["id"]) is int]


def _order(row: Row) -> tuple[bool, int]:
    return type(row["id"]) is not int, row["id"] if type(row["id"]) is int else 0


def _number(row: Row, seen: set[int]) -> int:
    number = row["id"]
    if type(number) is not int or number <= 0:
        raise Unfit("the number is not a whole one above zero")
    if number in seen:
        raise Unfit("the number is there twice")
    seen.add(number)
    return number


def _free(wanted: str, taken: set[str], suffix: str) -> str:
    name = names.free(wanted, taken=taken, suffix=suffix, limit=NAME_MAX_CHARS)
    if name in taken:
        raise Unfit("the name is taken here, and so is the one made up instead")
    taken.add(name)
    return name


def _email(row: Row) -> str:
    email = values.text(row, "email")
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email if len(email) <= EMAIL_MAX_CHARS else ""


def _password(row: Row) -> str:
    """Whoever signed in through another site has none."""
    password = values.text(row, "password")
    return password if _HASH.fullmatch(password) else ""
