"""What kind of picture some bytes are. Names and headers lie, the first bytes do not."""

SNIFF_BYTES = 12


def sniff(head: bytes) -> str | None:
    """The MIME type of a PNG, JPEG, GIF or WebP by its first 12 bytes, None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None
