"""Words that only we can make: for pictures, for hints, for our correspondence with upstreams."""

import pytest
from django.conf import LazySettings

from relay import signing

TASK = 1795218527890011


def test_each_purpose_has_a_signature_of_its_own() -> None:
    signatures = {signing.sign(purpose, TASK) for purpose in ("image", "hint", "correlation")}
    assert len(signatures) == 3
    assert {len(signature) for signature in signatures} == {22}
    assert signing.sign("image", TASK) != signing.sign("image", TASK + 1)


def test_a_signature_is_ours() -> None:
    signature = signing.sign("image", TASK)
    assert signing.is_signed("image", TASK, signature)
    for wrong in ("", signature[:-1], signature + "A", signature.swapcase(), "签名", "\x00"):
        assert not signing.is_signed("image", TASK, wrong)


def test_another_site_makes_other_signatures(settings: LazySettings) -> None:
    before = signing.sign("image", TASK)
    settings.SECRET_KEY = "another site"
    assert signing.sign("image", TASK) != before


def test_a_hint_address_leads_back_to_its_task(settings: LazySettings) -> None:
    settings.PUBLIC_URL = "https://relay.example"
    address = signing.hint_url(TASK)
    assert address.startswith(f"https://relay.example/hints/{TASK}.")
    word = address.rpartition("/")[2]
    assert signing.hinted_task(word) == TASK


@pytest.mark.parametrize(
    "word",
    ["", ".", "abc", f"{TASK}", f"{TASK}.", f"{TASK}.x", f"-{TASK}.x", "٧.x", "9" * 17 + ".x"],
)
def test_what_is_no_hint_leads_nowhere(word: str) -> None:
    assert signing.hinted_task(word) is None


def test_the_word_for_one_purpose_is_none_for_another() -> None:
    assert signing.hinted_task(signing.correlation(TASK)) is None
    assert signing.hinted_task(f"{TASK}.{signing.sign('image', TASK)}") is None
