"""What the documents say about the settings is what the settings are."""

import re

import pytest

from tests.stack import ROOT

# Read by `make run` itself, not by the settings.
OF_MAKE_RUN = {"HOST", "WEB_WORKERS"}


def _names(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_is_in_the_example_and_in_the_readme() -> None:
    settings = _names("relay/settings.py", r'env\.\w+\(\s*"(\w+)"') | OF_MAKE_RUN
    assert _names(".env.example", r"^#(\w+)=") == settings
    assert _names("README.md", r"^\| `([A-Z_]+)` \|") == settings


# A path of the tree, as the documents write it.
_PATH = re.compile(
    r"`((?:bench|billing|channels|common|console|deploy|docs|locale|relay|templates|tests|tools)"
    r"/[\w./-]+)`"
)
DOCUMENTS = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_file_that_a_document_names_is_there(document: str) -> None:
    named = set(_PATH.findall((ROOT / document).read_text(encoding="utf-8")))
    # The kind of upstream, and the language, that a reader may add.
    made_up = {path for path in named if "acme" in path or path.startswith("locale/de/")}
    assert [path for path in sorted(named - made_up) if not (ROOT / path).exists()] == []
