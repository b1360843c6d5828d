"""What the relay itself refuses. relay/api/errors.py maps each to the contract's answer."""


class InvalidRequest(Exception):
    """A missing or wrong field; the text names it."""


class BodyTooLarge(Exception):
    """More than BODY_MAX_BYTES."""


class TaskNotFound(Exception):
    """Somebody else's task or none at all: the tenant is not told which."""

    def __init__(self) -> None:
        super().__init__("task not found")


class WrongSignature(Exception):
    """A link that we did not make."""

    def __init__(self) -> None:
        super().__init__("this link is not valid")
