"""A submit that the application, not the framework below it, says no to."""


class Refused(Exception):
    """Nothing was accepted: the code, the text and the HTTP status of the answer."""

    def __init__(
        self,
        code: int,
        description: str,
        properties: dict[str, object] | None = None,
        *,
        status: int = 200,
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.properties = properties or {}
        self.status = status


class BareRefusal(Refused):
    """Answered with the code and the text only."""
