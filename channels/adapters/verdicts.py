"""What a refusal means: data that the adapters fill their tables of words with."""

from typing import NamedTuple

from channels.errors import Refusal


class Verdict(NamedTuple):
    """`next_channel`: nothing was accepted for sure, so another channel may be asked. `is_fault`:
    whether the upstream is out of order, where its HTTP status does not tell."""

    refusal: Refusal
    next_channel: bool
    is_fault: bool | None = None


# It answers, but not to us: a guard in front of it, our address there, our account as a whole.
# Another channel may do it, and the breaker finds out when it is over.
SHUT_OUT = Verdict(Refusal.OTHER, next_channel=True, is_fault=True)
BAD_CREDENTIAL = Verdict(Refusal.BAD_CREDENTIAL, next_channel=True)
