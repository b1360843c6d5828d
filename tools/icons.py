"""Makes the console's sprite of icons from the unpacked npm package `@tabler/icons`.

    .venv/bin/python tools/icons.py FOLDER [NAME …]

The icons that the sprite has stay in it; the named ones are added. A name ending in `-filled` is
taken from the filled icons.
"""

import gzip
import re
import sys
from pathlib import Path

SPRITE = Path(__file__).resolve().parent.parent / "console/static/vendor/tabler/icons.svg"
HEAD = '<svg xmlns="http://www.w3.org/2000/svg">\n'
LINES = (
    'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" '
    'stroke-linejoin="round"'
)


def symbol(folder: Path, name: str) -> str:
    """The icon as a symbol of the sprite, with its own look: outlined or filled."""
    is_filled = name.endswith("-filled")
    kind = "filled" if is_filled else "outline"
    source = (folder / "icons" / kind / f"{name.removesuffix('-filled')}.svg").read_text()
    shapes = re.findall(r"<(?!svg|/svg|\?|!)[^>]+/>", source)
    drawn = "".join(shape for shape in shapes if 'd="M0 0h24v24H0z"' not in shape)
    look = 'fill="currentColor"' if is_filled else LINES
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look}>{drawn}</symbol>\n'


def main(folder: Path, added: list[str]) -> None:
    known = re.findall(r'id="([^"]+)"', SPRITE.read_text()) if SPRITE.exists() else []
    names = sorted({*known, *added})
    SPRITE.write_text(HEAD + "".join(symbol(folder, name) for name in names) + "</svg>\n")
    # WhiteNoise sends this one.
    pressed = gzip.compress(SPRITE.read_bytes(), 9, mtime=0)
    SPRITE.with_name(f"{SPRITE.name}.gz").write_bytes(pressed)
    print(f"{len(names)} icons in {SPRITE}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
