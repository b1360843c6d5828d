"""A face swap sent as a form with files, as one client does: the limits are those of JSON."""

import pytest

from tests.accounts import Account
from tests.api.routes import FACES
from tests.picture_host import png

MB = 2**20
PICTURE = png()


def file(data: bytes) -> tuple[str, bytes, str]:
    return ("a.png", data, "image/png")


@pytest.mark.parametrize(
    ("files", "status", "says"),
    [
        ({"source": file(PICTURE)}, 400, "targetBase64"),
        ({"target": file(PICTURE)}, 400, "sourceBase64"),
        ({"source": file(PICTURE), "target": file(PICTURE)}, 400, "same picture"),
        ({"source": file(PICTURE), "target": file(b"<svg/>")}, 400, "must be PNG"),
        ({"source": file(PICTURE), "target": file(png(padding=10 * MB))}, 400, "larger than 10 MB"),
        ({"source": file(PICTURE), "target": file(png(padding=31 * MB))}, 413, "larger than 30 MB"),
    ],
)
def test_a_form_that_is_refused(account: Account, files: dict, status: int, says: str) -> None:
    before = account.written
    answer = account.request("POST", "/mj/insight-face/swap", files=files)
    assert (answer.status_code, answer.json()["code"]) == (status, 4), answer.text
    assert says in answer.json()["description"]
    assert account.written == before


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x"],
)
def test_a_broken_form_is_refused(account: Account, content_type: str) -> None:
    answer = account.request(
        "POST", "/mj/insight-face/swap", data=b"--y\r\n", headers={"Content-Type": content_type}
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request"), answer.text


def test_no_other_route_takes_a_form(account: Account) -> None:
    answer = account.request("POST", "/mj/submit/imagine", data={"prompt": "a"}, files=FACES)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request"), answer.text
