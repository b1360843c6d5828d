"""Why nothing was backed up or restored."""


class Refused(Exception):
    """One line for the operator; printed without a traceback."""


class Damaged(Refused):
    """The file is not, or no longer, what `manage.py backup` has written."""
