"""Reading somebody's answer: not more than so much, not longer than until then."""

import time
from collections.abc import Generator

from urllib3 import BaseHTTPResponse

CHUNK_BYTES = 65536


class TooMuch(Exception):
    """The body is larger, or comes more slowly, than was allowed."""


def chunks(response: BaseHTTPResponse, *, max_bytes: int, until: float) -> Generator[bytes]:
    """The body as it comes, also byte by byte. `until` is a time.monotonic().

    Raises TooMuch, and urllib3's own errors. Half-read, the connection is not used again.
    """
    size = 0
    try:
        while chunk := response.read1(CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            if size > max_bytes:
                raise TooMuch(f"more than {max_bytes} bytes")
            if time.monotonic() > until:
                raise TooMuch("it comes too slowly")
            yield chunk
    except BaseException:
        response.close()
        raise
    response.release_conn()
