"""HTTP to addresses that strangers chose: the address that is checked is the address dialled.

A name is resolved once, each of its addresses is judged, and the connection goes to a judged one.
Checking the text of a URL first and connecting later would leave room for a name that changes its
address in between; redirects would leave room for a second, unjudged address.
"""

import ipaddress
import socket
from collections.abc import Collection
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from common.deadline import (
    BoundedHTTPConnection,
    BoundedHTTPPool,
    BoundedHTTPSConnection,
    BoundedHTTPSPool,
)

# Kept for the next call. More at once are closed when they are done.
CONNECTIONS_PER_HOST = 100

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Public by Python's tables, yet leading to somewhere inside.
CLOSED_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # Teredo and other protocol assignments
        "2002::/16",  # 6to4: an IPv4 address in its second and third group
        "3fff::/20",  # documentation
    )
)


class Forbidden(requests.exceptions.InvalidURL):
    """The address may not be called."""


# Errors of an address, Forbidden among them, and not of who is there.
HOPELESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


def is_hopeless(error: BaseException | None) -> bool:
    """Whether a call has failed because its address is forbidden, or none at all: another try would
    end the same. (The libraries wrap what is raised while they dial.)"""
    while error is not None and not isinstance(error, HOPELESS):
        error = error.__cause__ or error.__context__
    return error is not None


def refusal(error: BaseException | None) -> str:
    """What was said against the address; "" when a call has failed for anything else."""
    while error is not None and not isinstance(error, Forbidden):
        error = error.__cause__ or error.__context__
    return "" if error is None else f"{type(error).__name__}: {error}"


class Policy:
    """Which addresses may be called: public ones on `ports`, `allowed` networks on any port."""

    def __init__(self, *, ports: Collection[int], allowed: Collection[str] = ()) -> None:
        self.ports = frozenset(ports)
        self.allowed = tuple(ipaddress.ip_network(network.strip()) for network in allowed)

    def permits(self, address: Address, port: int) -> bool:
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if any(address in network for network in self.allowed):
            return True
        return port in self.ports and is_public(address)


def is_public(address: Address) -> bool:
    return (
        # Outside of it IPv6 has many ways to write an IPv4 address.
        (address.version == 4 or address in GLOBAL_UNICAST)
        and address.is_global
        and not address.is_multicast
        and not any(address in network for network in CLOSED_NETWORKS)
    )


def session(policy: Policy) -> requests.Session:
    """A session that dials only what `policy` permits, uses no proxy and follows no redirect."""
    guarded = StayingSession()
    guarded.trust_env = False
    adapter = _GuardedAdapter(policy)
    guarded.mount("http://", adapter)
    guarded.mount("https://", adapter)
    return guarded


class StayingSession(requests.Session):
    """Follows no redirect."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """A redirect is an answer like any other."""


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        super().__init__(max_retries=0, pool_maxsize=CONNECTIONS_PER_HOST)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {
            "http": _pool_class(BoundedHTTPPool, BoundedHTTPConnection, self._policy),
            "https": _pool_class(BoundedHTTPSPool, BoundedHTTPSConnection, self._policy),
        }


def _pool_class(pool: type[Any], connection: type[Any], policy: Policy) -> type[Any]:
    def dial(self: Any) -> socket.socket:
        return _dial(self, policy)

    guarded = type(f"Guarded{connection.__name__}", (connection,), {"_new_conn": dial})
    return type(f"Guarded{pool.__name__}", (pool,), {"ConnectionCls": guarded})


def _address(sockaddr: Any) -> Address:
    return ipaddress.ip_address(str(sockaddr[0]).split("%")[0])


def _dial(connection: Any, policy: Policy) -> socket.socket:
    """urllib3's place for opening the socket. TLS names and the Host header stay the URL's own."""
    try:
        found = socket.getaddrinfo(connection._dns_host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NewConnectionError(connection, f"the name cannot be resolved: {error}") from error
    addresses = [(sockaddr, _address(sockaddr)) for *_, sockaddr in found]
    permitted = [
        sockaddr for sockaddr, address in addresses if policy.permits(address, connection.port)
    ]
    if not permitted:
        place = f"{connection.host}:{connection.port}"
        if any(is_public(address) for _, address in addresses):
            raise Forbidden(f"{place} is on a port that is not allowed here")
        raise Forbidden(f"{place} is not a public address, nor in a network that is allowed here")
    try:
        opened = socket.create_connection(
            (str(permitted[0][0]), connection.port), timeout=connection.timeout
        )
        # Head and body go one after the other: else the body waits for the head's receipt, which
        # most systems put off for 40 ms.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, "the connection timed out") from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection: {error}") from error
