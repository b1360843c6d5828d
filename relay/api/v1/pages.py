"""The management API's own description: the schema for programs, and a page for people."""

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from relay.api import docs


class _Public(APIView):
    authentication_classes = ()
    permission_classes = ()
    schema = None


class OpenApi(_Public):
    """GET openapi.json"""

    def get(self, request: Request) -> HttpResponse:
        # What makes the schema is loaded by the first who asks for it, not by every process.
        from relay.api.v1 import schema

        return HttpResponse(schema.as_json(), content_type="application/json")


class Docs(_Public):
    """GET docs"""

    def get(self, request: Request) -> HttpResponse:
        return docs.page(request, schema="/api/v1/openapi.json")
