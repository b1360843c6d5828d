"""Whether an address leads inside, as far as its text says it.

For addresses that others dial, who may not judge them. A public name can still have an inner
address: whoever dials is the one who can see that (common/guard.py, where it is us).
"""

import re
from collections.abc import Collection

from common import addresses, guard

# Last labels that no public name has, and what they are used for all the same.
INNER_NAMES = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan"}
)
INNER_SUFFIXES = (".home.arpa",)
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
# What some read as a number, and so as an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def is_inner(host: str, *, allowed: Collection[str] = ()) -> bool:
    """`host` as it stands in an address, IPv6 without its brackets. `allowed` networks are not
    inner. What is no proper name and no proper address counts as inner: each reader would make
    something else of it."""
    name = host.lower().rstrip(".")
    if ":" in name or _NUMBER.fullmatch(name.rpartition(".")[2]):
        return not _is_open(name, allowed)
    if not _NAME.fullmatch(name) or "." not in name:
        return True
    return name.rpartition(".")[2] in INNER_NAMES or name.endswith(INNER_SUFFIXES)


def _is_open(name: str, allowed: Collection[str]) -> bool:
    if "%" in name:
        return False
    try:
        found = addresses.address(name)
    except ValueError:
        return False
    return addresses.is_in(found, allowed) or guard.is_public(found)
