"""Why nothing is imported, and why a row is not."""


class ImportRefused(Exception):
    """Nothing is imported. The text is meant for the operator."""


class Unfit(Exception):
    """One row cannot be imported. The text says why and holds no secret."""
