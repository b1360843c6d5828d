"""Request bodies: JSON, bounded before they are read."""

import codecs
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.parsers import BaseParser

from relay.errors import BodyTooLarge, InvalidRequest

CHUNK_BYTES = 65536
# A body that is too large is read to its end, up to here, so that the client gets to read our
# answer instead of a broken connection.
DISCARD_MAX_BYTES = 256 * 1024 * 1024


class OrjsonParser(BaseParser):
    """Any media type is read as JSON: many clients send JSON under another name or none."""

    media_type = "*/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """The JSON object of the body; an empty body is an empty object.

        Raises BodyTooLarge, InvalidRequest.
        """
        # .NET and PowerShell begin their JSON with a byte order mark.
        body = _read(stream).removeprefix(codecs.BOM_UTF8)
        if not body.strip():
            return {}
        try:
            data = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise InvalidRequest(f"the body is not valid JSON: {error}") from error
        if not isinstance(data, dict):
            raise InvalidRequest("the body must be a JSON object")
        return data


def _read(stream: IO[bytes]) -> bytes:
    body = stream.read(settings.BODY_MAX_BYTES + 1)
    if len(body) <= settings.BODY_MAX_BYTES:
        return body
    discarded = 0
    while discarded < DISCARD_MAX_BYTES and (chunk := stream.read(CHUNK_BYTES)):
        discarded += len(chunk)
    raise BodyTooLarge(f"the body is larger than {settings.BODY_MAX_BYTES // 2**20} MB")
