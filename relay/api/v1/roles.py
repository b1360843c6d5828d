"""Who may do what, as data: the only place that decides it."""

from enum import StrEnum

from billing.management_keys import Manager
from billing.models import Role, StaffRole
from relay.errors import RoleNotAllowed


class Right(StrEnum):
    # Of a tenant's things; a site's key has them over every tenant, but for drawing.
    SEE = "see what belongs to a tenant"
    DRAW = "draw with the tenant's keys"
    KEYS = "make and change API keys"
    SWITCH_KEYS = "disable and enable API keys"
    HOOKS = "change hooks and the webhook secret"
    CALLBACKS = "send callbacks again"
    THRESHOLDS = "change at which balance to be told"
    BUY = "redeem codes and order top-ups"
    INVITE = "invite people"
    MEMBERS = "change the roles of people, and invite owners"
    SEE_MANAGEMENT_KEYS = "see management keys"
    MANAGEMENT_KEYS = "make and change management keys"
    OWNERS_KEYS = "make and change management keys of owners"
    SEE_AUDIT = "see who changed what"
    # Of the site.
    SEE_SITE = "see tenants, groups, channels and proofs"
    SEE_PRICES = "see price books"
    SEE_REPORTS = "see revenue, cost and margin"
    SEE_CODES = "see batches of codes"
    TENANTS = "make and change tenants and groups"
    MONEY = "change balances"
    PRICES = "write and publish price books"
    CHANNELS = "make and change channels"
    CODES = "make and disable codes"
    STAFF = "see and change the site's own people"
    LOOK = "have tasks and channels looked at now"
    SETTLE = "decide what became of tasks whose outcome is unknown"
    SETTINGS = "see and change the site's settings"
    ANNOUNCEMENTS = "write announcements"


_SEES_SITE = {Right.SEE, Right.SEE_SITE}
TENANT_ROLES: dict[str, frozenset[Right]] = {
    Role.OWNER: frozenset(
        {
            Right.SEE,
            Right.DRAW,
            Right.KEYS,
            Right.SWITCH_KEYS,
            Right.HOOKS,
            Right.CALLBACKS,
            Right.THRESHOLDS,
            Right.BUY,
            Right.INVITE,
            Right.MEMBERS,
            Right.SEE_AUDIT,
            Right.SEE_MANAGEMENT_KEYS,
            Right.MANAGEMENT_KEYS,
            Right.OWNERS_KEYS,
        }
    ),
    Role.ADMIN: frozenset(
        {
            Right.SEE,
            Right.DRAW,
            Right.KEYS,
            Right.SWITCH_KEYS,
            Right.HOOKS,
            Right.CALLBACKS,
            Right.THRESHOLDS,
            Right.BUY,
            Right.INVITE,
            Right.SEE_AUDIT,
            Right.SEE_MANAGEMENT_KEYS,
            Right.MANAGEMENT_KEYS,
        }
    ),
    Role.FINANCE: frozenset({Right.SEE, Right.THRESHOLDS, Right.BUY}),
    Role.DEVELOPER: frozenset(
        {
            Right.SEE,
            Right.DRAW,
            Right.KEYS,
            Right.SWITCH_KEYS,
            Right.HOOKS,
            Right.CALLBACKS,
        }
    ),
    Role.VIEWER: frozenset({Right.SEE}),
}
SITE_ROLES: dict[str, frozenset[Right]] = {
    # Nobody of the site spends a tenant's money on drawings.
    StaffRole.OPERATOR: frozenset(Right) - {Right.DRAW},
    StaffRole.SUPPORT: frozenset({*_SEES_SITE, Right.SWITCH_KEYS, Right.CALLBACKS, Right.LOOK}),
    StaffRole.FINANCE: frozenset(
        {
            *_SEES_SITE,
            Right.SEE_PRICES,
            Right.SEE_REPORTS,
            Right.SEE_CODES,
            Right.THRESHOLDS,
            Right.BUY,
            Right.MONEY,
            Right.CODES,
        }
    ),
}


def allows(manager: Manager, right: Right) -> bool:
    roles = SITE_ROLES if manager.is_site else TENANT_ROLES
    return right in roles[manager.role]


def demand(manager: Manager, right: Right) -> None:
    """Raises RoleNotAllowed."""
    if not allows(manager, right):
        raise RoleNotAllowed(manager.role, right)


def demand_rank(manager: Manager, role: str) -> None:
    """For one of the site's people about another of this role: who may do less does not touch how
    he signs in. Raises RoleNotAllowed."""
    if SITE_ROLES[role] - SITE_ROLES[manager.role]:
        raise RoleNotAllowed(manager.role, Right.STAFF)
