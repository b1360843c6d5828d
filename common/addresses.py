"""IP addresses and networks as people, proxies and sockets write them.

An IPv4 address that came through an IPv6 socket (`::ffff:192.0.2.1`) is that IPv4 address.
"""

import ipaddress
from collections.abc import Collection, Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MAPPED_BITS = 96


def address(text: str) -> Address:
    """Raises ValueError. Which network card a link-local one belongs to (`%eth0`) does not
    count."""
    found = ipaddress.ip_address(text.strip().partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


@lru_cache(maxsize=4096)
def network(text: str) -> Network:
    """A network, or one address as a network of itself. Raises ValueError, also for an address
    inside of a network (`192.0.2.7/24`): what is meant by it is anybody's guess."""
    if "%" in text:
        raise ValueError(f"{text!r}: a network belongs to no network card")
    found = ipaddress.ip_network(text.strip())
    mapped = isinstance(found, ipaddress.IPv6Network) and found.network_address.ipv4_mapped
    if mapped and found.prefixlen >= MAPPED_BITS:
        return ipaddress.IPv4Network((mapped, found.prefixlen - MAPPED_BITS))
    return found


def tidy(texts: Iterable[str]) -> list[str]:
    """A list of networks as it is stored: each once, in one way of writing.

    Raises ValueError; the text says which one is wrong, and how.
    """
    return list(dict.fromkeys(_tidy(text) for text in texts))


def is_in(found: Address, networks: Collection[str]) -> bool:
    """Whether an address lies in one of them. What is no network holds nobody."""
    return any(_holds(text, found) for text in networks)


def _tidy(text: str) -> str:
    found = network(text)
    return str(found.network_address if found.prefixlen == found.max_prefixlen else found)


def _holds(text: str, found: Address) -> bool:
    try:
        return found in network(text)
    except ValueError:
        return False
