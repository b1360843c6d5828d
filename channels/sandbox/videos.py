"""The videos: files that a player opens and finds empty, as small as MP4 allows."""

import struct

from aiohttp import web

VIDEOS_KEPT = 200_000
TIMESCALE = 1_000
MILLISECONDS = 5_000
FIXED_1 = 0x00010000  # 1.0 with 16 bits behind the point
NO_ROTATION = (FIXED_1, 0, 0, 0, FIXED_1, 0, 0, 0, 0x40000000)


class VideoShelf:
    """Names of the videos that tasks have made. They outlive `forget`, as the pictures do."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._names: dict[str, None] = {}

    def keep(self, name: str) -> str:
        """Put a video there and answer its link."""
        self._names[name] = None
        if len(self._names) > VIDEOS_KEPT:
            del self._names[next(iter(self._names))]
        return f"{self._address}/sandbox/videos/{name}.mp4"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/sandbox/videos/{name}.mp4", self._show, allow_head=True)]

    async def _show(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._names:
            raise web.HTTPNotFound(text="no such video\n")
        return web.Response(body=mp4(name), content_type="video/mp4")


def mp4(name: str) -> bytes:
    """An MP4 of five seconds without a track. Its name is in it, so that no two are equal.

    ISO/IEC 14496-12: boxes of a length, a kind and a content; `ftyp` first, `moov` with `mvhd`.
    """
    return (
        _box(b"ftyp", b"isom", struct.pack(">I", 0x200), b"isom", b"iso2", b"mp41")
        + _box(b"moov", _movie_header())
        + _box(b"free", name.encode())
        + _box(b"mdat")
    )


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _movie_header() -> bytes:
    """Version 0: times, rate, volume, matrix, and the number that the next track would have."""
    version, made_at, changed_at, next_track = 0, 0, 0, 1
    rate, volume = FIXED_1, 0x0100
    times = struct.pack(">IIIII", version, made_at, changed_at, TIMESCALE, MILLISECONDS)
    sound = struct.pack(">IH10x", rate, volume)
    return _box(b"mvhd", times, sound, struct.pack(">9I24xI", *NO_ROTATION, next_track))
