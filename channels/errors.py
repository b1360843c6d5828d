"""What channels and upstreams refuse. relay/api/errors.py maps each to the contract's answer."""

import enum


class NoChannel(Exception):
    """No enabled channel serves this action and mode for this group."""

    def __init__(self, action: str, mode: str) -> None:
        super().__init__(f"no channel is available for {action} in {mode} mode")


class Unsupported(Exception):
    """No upstream that may be used for this can do it. The text is meant for the tenant."""


class CostsInvalid(Exception):
    """What a channel takes cannot be read so; the text is meant for the operator."""


class Refusal(enum.Enum):
    """Why an upstream refused, as far as it matters to the tenant's answer."""

    BANNED_PROMPT = "banned_prompt"
    BAD_REQUEST = "bad_request"
    QUEUE_FULL = "queue_full"
    # It does not know this action, or has it switched off.
    UNSUPPORTED = "unsupported"
    # No account behind the upstream, or our credentials do not fit.
    NO_ACCOUNT = "no_account"
    OTHER = "other"


class UpstreamError(Exception):
    """A call that did not end in "accepted"."""

    def __init__(self, raw: str, *, milliseconds: int = 0) -> None:
        super().__init__(raw)
        self.raw = raw
        self.milliseconds = milliseconds


class Unreachable(UpstreamError):
    """Surely nothing was sent: refused connection, unknown host, failed TLS handshake."""


class OutcomeUnknown(UpstreamError):
    """It may have arrived: time-out, cut connection, a gateway's own error page."""


class Rejected(UpstreamError):
    """The upstream answered, and it was a no.

    `next_channel`: the answer proves that nothing was accepted and it is not the tenant's fault,
    so another channel may be asked. `properties`: what the tenant may see (banned word).
    """

    def __init__(
        self,
        raw: str,
        *,
        refusal: Refusal,
        next_channel: bool,
        milliseconds: int = 0,
        properties: dict[str, str] | None = None,
    ) -> None:
        super().__init__(raw, milliseconds=milliseconds)
        self.refusal = refusal
        self.next_channel = next_channel
        self.properties = properties or {}
