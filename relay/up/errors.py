"""What stops a start for a reason the operator can act upon."""


class Refusal(Exception):
    """One line for the operator; printed without a traceback."""
