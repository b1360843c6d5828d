"""What the pages of the audit show besides."""

from collections.abc import Mapping
from typing import Any

from django import template

from console.audit import differences, names, objects

register = template.Library()


@register.filter
def changes(line: Mapping[str, Any]) -> list[differences.Change]:
    """What a line has changed, field by field."""
    return differences.changes(line["before"], line["after"])


@register.filter
def deed(text: str) -> Any:
    """A line's deed as people say it."""
    return names.deed(text)


@register.filter
def object_url(line: Mapping[str, Any]) -> str:
    return objects.address(line)
