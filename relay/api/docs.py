"""The API's own description: the schema for programs, and a page for people."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework.request import Request
from rest_framework.views import APIView

from common import site

LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT_LANGUAGE = "en"
# The page may load from this site and ask this site, nobody else. What it shows is drawn by a
# script whose style elements have this page's nonce (console/static/docs/styles.js); style
# attributes, which its code blocks bring as markup, can do nothing but to their own element.
POLICY = (
    "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self' {site}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
NONCE_BYTES = 16


class _Public(APIView):
    authentication_classes = ()
    permission_classes = ()


class OpenApi(_Public):
    """GET openapi.json"""

    def get(self, request: Request) -> HttpResponse:
        # What makes the schema is loaded by the first who asks for it, not by every process.
        from relay.api.schema import document

        mode = site.value("default_mode")
        return _answer(document.as_json(language(request), mode), "application/json")


class Docs(_Public):
    """GET docs"""

    # A page is not part of the schema.
    schema = None

    def get(self, request: Request) -> HttpResponse:
        return page(request, schema=f"/openapi.json?lang={language(request)}")


def page(request: Request, *, schema: str) -> HttpResponse:
    """The page for people that shows the schema at this address."""
    from relay.api.schema import texts

    spoken = language(request)
    nonce = secrets.token_urlsafe(NONCE_BYTES)
    shown = {
        "nonce": nonce,
        "language": spoken,
        "languages": LANGUAGES.items(),
        "schema": schema,
        "texts": texts.section("page", spoken),
    }
    response = _answer(render_to_string("relay/docs.html", shown), "text/html; charset=utf-8")
    response["Content-Security-Policy"] = policy(nonce)
    return response


def policy(nonce: str) -> str:
    ours = urlsplit(settings.PUBLIC_URL)
    return POLICY.format(nonce=nonce, site=f"{ours.scheme}://{ours.netloc}")


def language(request: Request) -> str:
    """`?lang=`, else the first language of Accept-Language that we have, else English."""
    asked = request.query_params.get("lang", "").lower()
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", "").lower())
    for code in (asked, *(code for code, _ in accepted)):
        if code[:2] in LANGUAGES:
            return code[:2]
    return DEFAULT_LANGUAGE


def _answer(content: bytes | str, content_type: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Vary"] = "Accept-Language"
    return response
