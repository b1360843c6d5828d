"""Other people's files that the console's pages load."""

import gzip
import re
from pathlib import Path

from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "console/static/vendor"
TEMPLATES = Path(settings.BASE_DIR) / "templates"


def test_what_is_sent_compressed_is_the_file() -> None:
    pressed = sorted(FOLDER.rglob("*.gz"))
    assert len(pressed) == 2
    for file in pressed:
        assert gzip.decompress(file.read_bytes()) == file.with_suffix("").read_bytes(), file


def test_every_file_is_listed_with_its_licence() -> None:
    told = (FOLDER / "README.md").read_text()
    for file in FOLDER.rglob("*"):
        if file.is_file() and file.name != "README.md":
            name = str(file.relative_to(FOLDER)).removesuffix(".gz")
            assert f"`{name}" in told, name


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    known = set(re.findall(r'id="([^"]+)"', (FOLDER / "tabler/icons.svg").read_text()))
    named = {
        name
        for file in TEMPLATES.rglob("*.html")
        for name in re.findall(r"""{% icon ["']([^"']+)["']""", file.read_text())
    }
    assert named
    assert named <= known


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    for file in (TEMPLATES / "console").rglob("*.html"):
        text = file.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:", text), file
        assert not re.search(r"<script(?![^>]*\ssrc=)", text), file
