"""Addresses of pictures that tenants give. Upstreams dial them, so what their text says is all that
we can judge: a public name that leads inside is theirs to refuse."""

from typing import Any

import pytest

from relay.api import fields
from relay.errors import InvalidRequest
from tests.accounts import Account, open_account
from tests.api.shapes import assert_refused
from tests.faults.hostile_addresses import HOSTS
from tests.stack import Stack


@pytest.fixture(scope="module")
def customer(stack: Stack) -> Account:
    return open_account(stack)


@pytest.mark.parametrize("name", HOSTS)
def test_a_picture_has_no_inner_address(name: str) -> None:
    for address in (f"http://{HOSTS[name]}/a.png", f"HTTPS://{HOSTS[name]}:8443/a.png"):
        with pytest.raises(InvalidRequest, match="link"):
            fields.image({"link": address}, "link")


@pytest.mark.parametrize(
    "host", ["redis", "db.internal", "printer.local", "router.lan", "x.home.arpa", "a.localhost.",
             "example.com\\.127.0.0.1", "-a.example", "a..example", "1.2.3", "example.0x7f"],
)  # fmt: skip
def test_nor_a_name_that_only_means_something_inside(host: str) -> None:
    with pytest.raises(InvalidRequest, match="link"):
        fields.image({"link": f"http://{host}/a.png"}, "link")


@pytest.mark.parametrize(
    "host", ["example.com", "EXAMPLE.com.", "a_b.example.com", "xn--80ak6aa92e.com", "8.8.8.8",
             "8.8.8.8:81", "[2606:4700:4700::1111]", "[::ffff:8.8.8.8]", "1.example", "a.0x7f.com"],
)  # fmt: skip
def test_a_public_address_is_passed_on(host: str) -> None:
    address = f"http://{host}/a.png?x=1"
    assert fields.image({"link": address}, "link").url == address


def test_a_network_that_the_operator_allows_is_open(settings) -> None:
    settings.IMAGE_ALLOWED_NETWORKS = ["10.1.0.0/16"]
    assert fields.image({"link": "http://10.1.2.3:9000/a.png"}, "link").url
    with pytest.raises(InvalidRequest):
        fields.image({"link": "http://10.2.2.3:9000/a.png"}, "link")


def test_a_picture_of_ours_is_taken_wherever_we_are(settings) -> None:
    settings.PUBLIC_URL = "http://10.1.2.3:8000"
    ours = "http://10.1.2.3:8000/mj/image/1700000000000001?sig=x"
    assert fields.image({"link": ours}, "link").url == ours
    for other in (
        "http://10.1.2.3:8000/metrics", "http://10.1.2.3/mj/image/1", "http://10.1.2.3:80001/mj/image/1?x",
        "http://a@10.1.2.3:8000/mj/image/1", "http://10.1.2.3:8000/mj/image/../../metrics",
        "http://10.1.2.3:8000/mj/image/%2e%2e/metrics", "http://10.1.2.3:8000\\@10.9.9.9/mj/image/1",
    ):  # fmt: skip
        with pytest.raises(InvalidRequest, match="link"):
            fields.image({"link": other}, "link")


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("mj/submit/imagine", {"prompt": "a", "base64Array": ["{url}"]}, "base64Array"),
        ("mj/submit/imagine", {"prompt": "a", "base64": "{url}"}, "base64Array"),
        ("mj/submit/blend", {"base64Array": ["{url}", "{url}"]}, "base64Array"),
        ("mj/submit/describe", {"link": "{url}"}, "link"),
        ("mj/submit/describe", {"base64": "{url}"}, "base64"),
        ("mj/submit/edits", {"prompt": "a", "image": "{url}"}, "image"),
        ("mj/submit/video", {"prompt": "a", "image": "{url}"}, "image"),
        ("mj/submit/upload-discord-images", {"base64Array": ["{url}"]}, "base64Array"),
        ("mj/insight-face/swap", {"sourceUrl": "{url}", "targetUrl": "{url}"}, "sourceUrl"),
        ("mj/insight-face/swap",
         {"sourceUrl": "https://example.com/a.png", "targetUrl": "{url}"}, "targetUrl"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("host", ["169.254.169.254", "0x7f.1", "[::ffff:10.0.0.1]", "localhost"])
def test_every_field_that_takes_an_address_refuses_inner_ones(
    customer: Account, route: str, body: dict[str, Any], field: str, host: str
) -> None:
    url = f"http://{host}/a.png"

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(entry) for entry in value]
        return url if value == "{url}" else value

    before = customer.written
    answer = customer.request(
        "POST", f"/{route}", json={name: filled(value) for name, value in body.items()}
    )
    assert_refused(answer, 400, "invalid_request", says=field)
    assert customer.written == before
