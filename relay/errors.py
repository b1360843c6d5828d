"""What the relay itself refuses. relay/api/errors.py maps each to the contract's answer."""


class InvalidRequest(Exception):
    """A missing or wrong field; the text names it."""


class BodyTooLarge(Exception):
    """More than BODY_MAX_BYTES."""


class TaskNotFound(Exception):
    """Somebody else's task or none at all: the tenant is not told which."""

    def __init__(self) -> None:
        super().__init__("task not found")


class TaskNotSuccess(Exception):
    """A follow-up on a task that is not finished."""

    def __init__(self) -> None:
        super().__init__("the task has not succeeded, so it cannot be continued")


class IdempotencyInProgress(Exception):
    """The twin of this request is still being answered."""

    def __init__(self) -> None:
        super().__init__("a request with this Idempotency-Key is still being answered")


class IdempotencyMismatch(Exception):
    """An Idempotency-Key came again with another request."""

    def __init__(self) -> None:
        super().__init__("this Idempotency-Key was used for another request")


class BannedPrompt(Exception):
    """The site's own list of words forbids this prompt."""

    def __init__(self, *, prompt: str, word: str) -> None:
        super().__init__(f"可能包含敏感词: {word}")
        self.properties = {"promptEn": prompt, "bannedWord": word}


class WrongSignature(Exception):
    """A link that we did not make."""

    def __init__(self) -> None:
        super().__init__("this link is not valid")


class RoleNotAllowed(Exception):
    """The role of a management key does not reach that far."""

    def __init__(self, role: str, deed: str) -> None:
        super().__init__(f"the role {role} may not {deed}")


class ObjectNotFound(Exception):
    """Somebody else's object or none at all: the asker is not told which."""

    def __init__(self, what: str) -> None:
        super().__init__(f"there is no such {what}")


class Conflict(Exception):
    """What is there already does not allow it; the text says what."""
