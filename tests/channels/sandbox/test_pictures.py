"""The pictures and videos that tasks link to."""

import io
import struct
from typing import Any

import requests
from PIL import Image, ImageChops, ImageStat

from .running import Sandbox, TrueAi, start, stop


def picture(url: str) -> Image.Image:
    answer = requests.get(url)
    assert answer.headers["Content-Type"] == "image/png"
    image = Image.open(io.BytesIO(answer.content))
    assert image.format == "PNG"
    return image.convert("RGB")


def test_the_picture_is_a_real_png_and_stays_the_same(
    sandbox: Sandbox, grid: dict[str, Any]
) -> None:
    image = picture(grid["imageUrl"])
    assert image.width == image.height >= 256
    assert len(image.getcolors(image.width * image.height) or ()) > 50
    assert picture(grid["imageUrl"]).tobytes() == image.tobytes()
    assert picture(grid["imageUrl"] + "?rand=1").tobytes() != image.tobytes()
    other = picture(sandbox.drawn("quite another prompt")["imageUrl"])
    assert other.tobytes() != image.tobytes()


def test_an_upscale_shows_its_quarter_of_the_grid(sandbox: Sandbox, grid: dict[str, Any]) -> None:
    answer = sandbox.mj("submit/simple-change", {"content": f"{grid['id']} u2"}).json()
    big = picture(sandbox.ended(answer["result"])["imageUrl"])
    whole = picture(grid["imageUrl"])
    half = whole.width // 2
    sky = (0, 0, half, half // 2)  # above every label
    expected = big.resize((half, half)).crop(sky)

    def unlikeness(number: int) -> float:
        left, top = (number - 1) % 2 * half, (number - 1) // 2 * half
        quarter = whole.crop((left, top, left + half, top + half)).crop(sky)
        return sum(ImageStat.Stat(ImageChops.difference(quarter, expected)).mean)

    likeness = sorted((1, 2, 3, 4), key=unlikeness)
    assert likeness[0] == 2
    assert unlikeness(2) < unlikeness(likeness[1]) / 4


def test_a_picture_nobody_asked_for_is_404(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.address}/sandbox/pictures/1.png").status_code == 404


def test_picture_links_begin_with_the_public_url() -> None:
    sandbox = start(drawing_seconds=0, public_url="https://pictures.example/")
    try:
        task = sandbox.drawn("far away")
        assert task["imageUrl"].startswith("https://pictures.example/sandbox/pictures/")
    finally:
        stop(sandbox)


# Videos


def boxes(data: bytes) -> dict[str, bytes]:
    """The boxes of an MP4 side by side: a length, four letters, and the content."""
    found = {}
    while data:
        length, kind = struct.unpack(">I4s", data[:8])
        assert 8 <= length <= len(data)
        found[kind.decode()] = data[8:length]
        data = data[length:]
    return found


def test_a_video_is_an_mp4_of_its_own(trueai: TrueAi) -> None:
    fields = {"prompt": "waves", "image": "https://a.example/b.png"}
    task = trueai.ended(trueai.submit("video", **fields)["result"])
    answers = [requests.get(video["url"]) for video in task["videoUrls"]]
    assert {answer.headers["Content-Type"] for answer in answers} == {"video/mp4"}
    assert len({answer.content for answer in answers}) == len(answers) == 4
    found = boxes(answers[0].content)
    assert list(found) == ["ftyp", "moov", "free", "mdat"]
    assert found["ftyp"].startswith(b"isom")
    header = boxes(found["moov"])["mvhd"]
    assert len(header) == 100
    timescale, duration = struct.unpack(">II", header[12:20])
    assert duration / timescale == 5


def test_a_video_nobody_asked_for_is_404(sandbox: Sandbox) -> None:
    assert requests.get(f"{sandbox.address}/sandbox/videos/1-1.mp4").status_code == 404
