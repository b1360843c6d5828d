"""What channels and upstreams refuse. relay/api/errors.py maps each to the contract's answer."""

import enum


class NoChannel(Exception):
    """No enabled channel serves this action and mode for this group, or their breakers are open:
    the seconds until one lets something through again, None where nobody knows."""

    def __init__(self, action: str, mode: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"no channel is available for {action} in {mode} mode")
        self.retry_after = retry_after


class NoRoom(Exception):
    """The channels that could do it are full, or rest: the seconds until one wakes, None where
    nobody knows."""

    def __init__(self, *, retry_after: int | None = None) -> None:
        super().__init__("队列已满，请稍后尝试")
        self.retry_after = retry_after


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
    # Our credential there does not fit, or not any more.
    BAD_CREDENTIAL = "bad_credential"
    # No account behind the upstream. It may be our tenant's doing: it disables nothing.
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
    `is_fault`: the upstream itself is out of order. `retry_after`: the seconds it asks us to wait.
    """

    def __init__(
        self,
        raw: str,
        *,
        refusal: Refusal,
        next_channel: bool,
        milliseconds: int = 0,
        properties: dict[str, str] | None = None,
        is_fault: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(raw, milliseconds=milliseconds)
        self.is_fault = is_fault
        self.retry_after = retry_after
        self.refusal = refusal
        self.next_channel = next_channel
        self.properties = properties or {}
