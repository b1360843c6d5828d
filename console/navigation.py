"""What stands in the navigation, as data: who sees it, where it leads."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from relay.api.v1.roles import Right


@dataclass(frozen=True)
class Entry:
    """`address`: behind `/console/`, or behind the tenant's own place."""

    label: Any
    address: str
    icon: str
    right: Right


@dataclass(frozen=True)
class Section:
    label: Any
    entries: tuple[Entry, ...]


STAFF = (
    Section(
        _("Operation"),
        (
            Entry(_("Overview"), "overview/", "layout-dashboard", Right.SEE_SITE),
            Entry(_("Channels"), "channels/", "route", Right.SEE_SITE),
            Entry(_("Tasks"), "tasks/", "brush", Right.SEE_SITE),
        ),
    ),
    Section(
        _("Business"),
        (
            Entry(_("Tenants"), "tenants/", "building", Right.SEE_SITE),
            Entry(_("Prices"), "prices/", "tag", Right.SEE_PRICES),
            Entry(_("Codes"), "codes/", "ticket", Right.SEE_CODES),
            Entry(_("Top-ups"), "top-ups/", "cash", Right.SEE_CODES),
            Entry(_("Reports"), "reports/", "report-money", Right.SEE_REPORTS),
        ),
    ),
    Section(
        _("Site"),
        (
            Entry(_("Announcements"), "announcements/", "speakerphone", Right.ANNOUNCEMENTS),
            Entry(_("Settings"), "settings/", "settings", Right.SETTINGS),
            Entry(_("Staff"), "staff/", "user-shield", Right.STAFF),
            Entry(_("Audit"), "audit/", "history", Right.SEE_AUDIT),
        ),
    ),
)
TENANT = (
    # Of the site's people only.
    Section(
        _("Administration"),
        (Entry(_("Tenant's settings"), "settings/", "building", Right.SEE_SITE),),
    ),
    Section(
        _("Drawing"),
        (
            Entry(_("Overview"), "", "layout-dashboard", Right.SEE),
            Entry(_("Playground"), "playground/", "wand", Right.SEE),
            Entry(_("Gallery"), "gallery/", "photo", Right.SEE),
        ),
    ),
    Section(
        _("Access"),
        (
            Entry(_("Keys"), "keys/", "key", Right.SEE),
            Entry(_("Callbacks"), "callbacks/", "webhook", Right.SEE),
            Entry(_("Members"), "members/", "users", Right.SEE),
            Entry(_("Docs"), "docs/", "book", Right.SEE),
            Entry(_("Audit"), "audit/", "history", Right.SEE_AUDIT),
        ),
    ),
    Section(
        _("Money"),
        (
            Entry(_("Wallet"), "entries/", "wallet", Right.SEE),
            Entry(_("Usage"), "usage/", "chart-bar", Right.SEE),
            Entry(_("Statements"), "statements/", "file-invoice", Right.SEE),
            Entry(_("Prices"), "prices/", "tag", Right.SEE),
            Entry(_("Top up"), "top-up/", "credit-card", Right.BUY),
            Entry(_("Notices"), "notices/", "bell", Right.SEE),
        ),
    ),
)


@dataclass(frozen=True)
class Link:
    label: Any
    url: str
    icon: str
    is_here: bool


def links(
    sections: tuple[Section, ...], *, base: str, here: str, rights: frozenset[Right]
) -> list[tuple[Any, list[Link]]]:
    """(label, links) of each section that has any. `here`: the path of the page that is shown."""
    found = []
    for section in sections:
        shown = [
            Link(entry.label, base + entry.address, entry.icon, _is_here(base, entry, here))
            for entry in section.entries
            if entry.right in rights
        ]
        if shown:
            found.append((section.label, shown))
    return found


def _is_here(base: str, entry: Entry, here: str) -> bool:
    url = base + entry.address
    if not here.startswith(url):
        return False
    # A tenant's overview is where all its pages begin; the list of tenants is not one tenant.
    rest = here.removeprefix(url)
    return not rest if not entry.address else not (entry.address == "tenants/" and rest)
