"""drf-spectacular, told by the table of operations what it could not know of our slim views."""

# drf-spectacular has types only in part.
# mypy: allow-untyped-calls

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import normalize_result_object
from drf_spectacular.utils import (
    OpenApiCallback,
    OpenApiExample,
    OpenApiParameter,
    OpenApiRequest,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from relay.api.schema import answers, bodies, callback, examples, refusals
from relay.api.schema.bodies import ref
from relay.api.schema.operations import JSON, OPERATIONS, Operation
from relay.api.urls import MJ_PREFIXES

VERSION = "1"
TAGS = ("submit", "follow_ups", "tasks", "results", "account", "site")
# The routes are described under this prefix, and the others named in the description.
PREFIX = "mj"
OTHER_PREFIXES = tuple(f"/{prefix}/" for prefix in MJ_PREFIXES if prefix != PREFIX)
ORDER = list(OPERATIONS)


class Keys(OpenApiAuthenticationExtension):
    """One of three headers, not all of them."""

    target_class = "relay.api.auth.KeyAuthentication"
    name = ["Bearer", "MjApiSecret", "XApiKey"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        in_header = {"type": "apiKey", "in": "header"}
        return [
            {"type": "http", "scheme": "bearer", "description": "@security.Bearer"},
            in_header | {"name": "mj-api-secret", "description": "@security.MjApiSecret"},
            in_header | {"name": "X-Api-Key", "description": "@security.XApiKey"},
        ]


class Generator(SchemaGenerator):
    """Takes the routes from the address table, and what they do from OPERATIONS."""

    def get_schema(self, request: Any = None, public: bool = True) -> dict[str, Any]:
        """The document, with the keys of texts in place of the texts."""
        paths = self.parse(None, public)
        components = {
            "schemas": bodies.SCHEMAS | answers.SCHEMAS | {"Error": refusals.ERROR},
            "responses": refusals.responses(),
            "headers": refusals.HEADERS,
        }
        document: dict[str, Any] = normalize_result_object(
            {
                "openapi": "3.1.0",
                "info": {
                    "title": "@info.title",
                    "version": VERSION,
                    "description": "@info.description",
                },
                "servers": [{"url": "/"}],
                "tags": [_tag(name) for name in TAGS],
                "paths": paths,
                "components": components | self.registry.build({}),
            }
        )
        return document

    def parse(self, input_request: Any, public: bool) -> dict[str, Any]:
        paths: dict[str, Any] = super().parse(input_request, public)
        for path, methods in paths.items():
            for method, described in methods.items():
                _complete(described, OPERATIONS[f"{method.upper()} {path}"])
        return paths

    def _initialise_endpoints(self) -> None:
        """Our own order and our one prefix; and the plain Django views, which it does not see."""
        super()._initialise_endpoints()
        found: list[Any] = [
            row for row in self.endpoints or () if not row[0].startswith(OTHER_PREFIXES)
        ]
        found += [(path, path, "GET", PlainView.as_view()) for path in ("/healthz", "/readyz")]
        self.endpoints = sorted(found, key=lambda row: ORDER.index(f"{row[2]} {row[0]}"))

    def _get_paths_and_endpoints(self) -> list[tuple[str, str, str, APIView]]:
        found: list[tuple[str, str, str, APIView]] = super()._get_paths_and_endpoints()
        for path, _, method, view in found:
            self._set_schema_to_view(view, _inspector(OPERATIONS[f"{method} {path}"]))
        return found


class PlainView(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> Response:
        raise NotImplementedError


def _tag(name: str) -> dict[str, str]:
    return {
        "name": name,
        "x-displayName": f"@tags.{name}.name",
        "description": f"@tags.{name}.description",
    }


def _inspector(operation: Operation) -> AutoSchema:
    """extend_schema decorates handlers; one handler of ours serves many routes, so each route gets
    a handler of its own to decorate."""

    def handler() -> None:
        pass

    handler.schema = AutoSchema  # type: ignore[attr-defined]
    extend_schema(
        operation_id=operation.id,
        tags=[operation.tag],
        summary=f"@operations.{operation.id}.summary",
        description=f"@operations.{operation.id}.description",
        parameters=[
            OpenApiParameter(
                name=row.name,
                location=row.location,  # type: ignore[arg-type]
                type=row.schema,
                required=row.required,
                description=f"@parameters.{row.text}",
            )
            for row in operation.parameters
        ],
        request=_request(operation),
        responses=_responses(operation),
        callbacks=[OpenApiCallback(callback.NAME, callback.EXPRESSION, {"post": callback.POST})]
        if operation.calls_back
        else [],
    )(handler)
    inspector: type[AutoSchema] = handler.kwargs["schema"]  # type: ignore[attr-defined]
    return inspector()


def _request(operation: Operation) -> Any:
    if not operation.body:
        return None
    shown = _examples(examples.REQUESTS[operation.id])
    return {JSON[0]: OpenApiRequest(request=ref(operation.body), examples=shown)}


def _responses(operation: Operation) -> dict[Any, Any]:
    answer = operation.answer
    shown = _examples(examples.ANSWERS.get(operation.id, {}))
    text = f"@{answer.text}"
    return {
        (200, *answer.media_types): OpenApiResponse(answer.schema, description=text, examples=shown)
    }


def _examples(values: dict[str, Any]) -> list[OpenApiExample]:
    return [
        OpenApiExample(name=name, value=value, summary=f"@examples.{name}")
        for name, value in values.items()
    ]


def _complete(described: dict[str, Any], operation: Operation) -> None:
    """What extend_schema has no word for: refusals by reference, headers, a required body."""
    described["responses"] |= {
        str(refusals.DOCUMENTED[name].status): {"$ref": f"#/components/responses/{name}"}
        for name in operation.refusals
    }
    if operation.id == "readyz":
        described["responses"]["503"] = _not_ready()
    described["responses"] = dict(sorted(described["responses"].items()))
    if operation.body and bodies.SCHEMAS[operation.body].keys() & {"required", "anyOf"}:
        described["requestBody"]["required"] = True
    if operation.id == "swap":
        described["requestBody"]["content"]["multipart/form-data"] = {"schema": bodies.SWAP_FORM}
    if any(row.name == "Idempotency-Key" for row in operation.parameters):
        header = {"$ref": "#/components/headers/Idempotent-Replayed"}
        described["responses"]["200"]["headers"] = {"Idempotent-Replayed": header}


def _not_ready() -> dict[str, Any]:
    shown = {"not_ready": {"summary": "@examples.not_ready", "value": examples.NOT_READY}}
    return {
        "description": "@ready.not",
        "content": {JSON[0]: {"schema": ref("Readiness"), "examples": shown}},
    }
