"""What kind of picture or video some bytes are. Names and headers lie, the first bytes do not."""

SNIFF_BYTES = 12


def sniff(head: bytes) -> str | None:
    """The MIME type of a PNG, JPEG, GIF, WebP, MP4 or WebM by its first 12 bytes, None for anything
    else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm"
    return None
