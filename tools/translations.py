"""Makes of each `locale/*/LC_MESSAGES/django.po` the `.mo` that is read at run time.

Part of the installation; a file that is younger than its source is left alone.
"""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def main() -> None:
    for source in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        made = source.with_suffix(".mo")
        if not made.exists() or made.stat().st_mtime <= source.stat().st_mtime:
            compile_po(source, made)


def compile_po(source: Path, made: Path) -> None:
    """Whole or not at all: somebody may be reading it."""
    with source.open("rb") as file:
        catalog = read_po(file, charset="utf-8")
    partial = made.with_suffix(".partial")
    with partial.open("wb") as file:
        write_mo(file, catalog)
    partial.replace(made)


if __name__ == "__main__":
    main()
