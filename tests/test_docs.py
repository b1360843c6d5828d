"""What the documents say about the settings is what the settings are."""

import re

from tests.stack import ROOT

# Read by `make run` itself, not by the settings.
OF_MAKE_RUN = {"HOST", "WEB_WORKERS"}


def _names(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE))


def test_every_setting_is_in_the_example_and_in_the_readme() -> None:
    settings = _names("relay/settings.py", r'env\.\w+\(\s*"(\w+)"') | OF_MAKE_RUN
    assert _names(".env.example", r"^#(\w+)=") == settings
    assert _names("README.md", r"^\| `([A-Z_]+)` \|") == settings
