"""openapi.json of the management API: what the operations say of themselves, by drf-spectacular.

Nothing of this is loaded before somebody asks for it.
"""

# drf-spectacular has types only in part.
# mypy: allow-untyped-calls

from functools import lru_cache
from typing import Any, ClassVar, cast

import orjson
from django.conf import settings
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import normalize_result_object
from drf_spectacular.settings import patched_settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse

from relay.api import errors
from relay.api.schema import refusals, texts
from relay.api.v1 import fields
from relay.api.v1.operation import Operation, View

PREFIX = "/api/v1/"
OF_A_TENANT = f"{PREFIX}tenants/{{tenant_id}}/"
VERSION = "1"
JSON = "application/json"
TITLE = "MJ Relay management API"
DESCRIPTION = """
Keys, tasks, money, prices and channels, for tenants and for the people who run the site.

**Keys.** `Authorization: Bearer mk-…`: a management key; the tenant API takes none of them.
A tenant's key has one of the roles owner, admin, finance, developer, viewer; a key of the site one
of operator, support, finance. `manage.py add_management_key` makes the first one.

**Whose things.** A tenant's key uses the addresses directly below `/api/v1/` and sees its own
tenant only. A key of the site finds the same below `/api/v1/tenants/{tenant_id}/`.

**Money** is a text with a decimal number in the site's currency, such as `"12.50"`; **times** are
ISO 8601 in UTC.

**Lists** come in pages, the newest first: send `next` of one page as `after` for the following one.

**Refusals** all have one shape; `type` is for programs, `message` for people. Fields and parameters
that are not known are refused, so a misspelt one is noticed.
"""
TAGS = {
    "keys": "API keys",
    "tasks": "Tasks",
    "callbacks": "Callbacks",
    "hooks": "Hooks and notices",
    "money": "Money",
    "access": "People and management keys",
    "tenants": "Tenants",
    "wallets": "Changing balances",
    "prices": "Price books",
    "channels": "Channels",
    "codes": "Redemption codes",
    "site": "Reports and proofs",
}
ALWAYS = (400, 401, 403, 404, 429, 500, 503)
CHANGES = (409, 413)
SOMETIMES = (402, 422, 502)


class ManagementKeys(OpenApiAuthenticationExtension):
    target_class = "relay.api.v1.auth.ManagementAuthentication"
    name = "ManagementKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A management key: mk-…"}


class MoneyText(OpenApiSerializerFieldExtension):
    target_class = fields.Money

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^-?\d{1,13}(\.\d{1,6})?$", "examples": ["12.50"]}


class Inspector(AutoSchema):
    """Asks the operation of a view's method instead of guessing."""

    @property
    def said(self) -> Operation:
        method: Operation = getattr(self.view, self.method.lower()).operation
        return method

    def get_operation_id(self) -> str:
        path = self.path.removeprefix(PREFIX).replace("{", "").replace("}", "")
        words = path.replace("/", "_").replace("-", "_")
        return f"{self.method.lower()}_{words}"

    def get_summary(self) -> str:
        return self.said.summary

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema does
        return f"Needs the right to {self.said.right}."

    def get_tags(self) -> list[str]:
        return [cast("View", self.view).tag]

    def get_request_serializer(self) -> Any:
        return self.said.body

    def get_response_serializers(self) -> Any:
        said = self.said
        answers: dict[Any, Any] = {}
        for media_type in said.media_types:
            answers[said.status, media_type] = OpenApiTypes.BINARY
        if said.answer is not None:
            answers[said.status, JSON] = OpenApiResponse(said.answer, description=said.summary)
        for status in said.refusals:
            answers[status] = OpenApiResponse(None)
        return answers or {204: OpenApiResponse(None, description="Done.")}

    def get_override_parameters(self) -> list[Any]:
        return [] if self.said.query is None else [self.said.query]

    def map_parsers(self) -> list[str]:
        return [JSON]

    def get_filter_backends(self) -> list[Any]:
        return []

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False


class Generator(SchemaGenerator):
    default_schema_class: ClassVar[type[AutoSchema]] = Inspector

    def get_schema(self, request: Any = None, public: bool = True) -> dict[str, Any]:
        with patched_settings({"OAS_VERSION": "3.1.0"}):
            paths = self.parse(None, public)
            components = self.registry.build({})
        schemas = components.get("schemas", {}) | {"Error": _error()}
        components |= {"schemas": schemas, "responses": _responses()}
        document: dict[str, Any] = normalize_result_object(
            {
                "openapi": "3.1.0",
                "info": {"title": TITLE, "version": VERSION, "description": DESCRIPTION.strip()},
                "servers": [{"url": settings.PUBLIC_URL}],
                "tags": [{"name": name, "x-displayName": text} for name, text in TAGS.items()],
                "paths": paths,
                "components": components,
            }
        )
        return document

    def parse(self, input_request: Any, public: bool) -> dict[str, Any]:
        paths: dict[str, Any] = super().parse(input_request, public)
        for methods in paths.values():
            for method, described in methods.items():
                _complete(described, method)
        return paths

    def _get_paths_and_endpoints(self) -> list[tuple[str, str, str, Any]]:
        found: list[tuple[str, str, str, Any]] = super()._get_paths_and_endpoints()
        ours = [row for row in found if row[0].startswith(PREFIX)]
        for _, _, _, view in ours:
            self._set_schema_to_view(view, Inspector())
        return ours


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    return Generator(urlconf="relay.urls").get_schema()


@lru_cache(maxsize=1)
def as_json() -> bytes:
    """The same as it is answered. Made once per process."""
    return orjson.dumps(document())


def _complete(described: dict[str, Any], method: str) -> None:
    statuses = [*ALWAYS, *(CHANGES if method != "get" else ())]
    statuses += [status for status in SOMETIMES if str(status) in described["responses"]]
    described["responses"] |= {
        str(status): {"$ref": f"#/components/responses/Refused{status}"} for status in statuses
    }
    described["responses"] = dict(sorted(described["responses"].items()))


def _error() -> Any:
    return texts.translate(refusals.ERROR, "en")


def _responses() -> dict[str, Any]:
    types: dict[int, set[str]] = {status: set() for status in (*ALWAYS, *CHANGES, *SOMETIMES)}
    for answer in (*errors.ANSWERS.values(), errors.INTERNAL, errors.NOT_FOUND):
        types.get(answer.status, set()).add(answer.type)
    return {
        f"Refused{status}": {
            "description": f"Refused: {', '.join(sorted(kinds))}.",
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status, kinds in types.items()
    }
