"""EPay against an imitation that takes only what is signed as the documents say."""

from typing import Any

import pytest
import requests

from billing.errors import ProviderOff, TopUpRefused
from billing.models import TopUp
from billing.providers.epay import sign
from tests.payments.conftest import Shop
from tests.payments.epay_imitation import EPay, signed, tell
from tests.races.together import together
from tests.stack import Stack


def visit(shop: Shop, amount: str = "10", **fields: Any) -> TopUp:
    """An order, and the payer who follows the address: the gateway knows it then."""
    order, url = shop.order("epay", amount, **fields)
    answer = requests.get(url, timeout=9)
    assert answer.status_code == 200, answer.text
    return order


def told(answer: requests.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"].startswith("text/plain")
    return answer.status_code, answer.text


def test_an_order_is_paid_and_credited(shop: Shop, epay: EPay) -> None:
    order = visit(shop, "12.50", method="wxpay")
    at_gateway = epay.orders[order.number]
    assert (at_gateway["money"], at_gateway["type"]) == ("90.00", "wxpay")
    assert (order.pay_amount, order.pay_currency) == (9000, "CNY")
    assert at_gateway["return_url"] == f"{shop.web.url}/console/paid/{order.number}/"

    assert told(epay.notify(order.number)) == (200, "success")
    assert shop.state(order) == "paid"
    assert order.provider_reference == epay.notice(order.number)["trade_no"]
    assert shop.entries == [("topup", f"topup-{order.number}", "12.50")]


def test_the_same_news_twenty_times_at_once_is_one_credit(shop: Shop, epay: EPay) -> None:
    order = visit(shop)
    answers = together([lambda: epay.notify(order.number)] * 20)
    assert [told(answer) for answer in answers] == [(200, "success")] * 20
    assert shop.entries == [("topup", f"topup-{order.number}", "10.00")]


def test_a_gateway_that_posts_its_notice(shop: Shop, epay: EPay) -> None:
    order = visit(shop)
    fields = signed(epay.notice(order.number, name="余额 100%"))
    assert told(requests.post(shop.epay_notify, data=fields, timeout=9)) == (200, "success")
    assert shop.balance == "10.00"


@pytest.mark.parametrize(
    "money",
    [
        "71.99", "720.00", "-72.00", "NaN", "Infinity", "1e9", "72.001", "٧٢.٠٠", "72,00", "",
        " 72", "9" * 5000, "0",
    ],
)  # fmt: skip
def test_another_payment_than_was_ordered_credits_nothing(
    shop: Shop, epay: EPay, money: str
) -> None:
    order = visit(shop)
    if len(money) > 100:
        fields = signed(epay.notice(order.number, money=money))
        answer = requests.post(shop.epay_notify, data=fields, timeout=9)
    else:
        answer = epay.notify(order.number, money=money)
    # It is kept for the operator; told again it would be the same.
    assert told(answer) == (200, "success")
    assert shop.state(order) == "disputed"
    assert "ordered was 72.00 CNY" in order.note
    assert shop.entries == []


@pytest.mark.parametrize("money", ["72", "72.0", "72.00", "72.000"])
def test_the_same_money_in_other_words(shop: Shop, epay: EPay, money: str) -> None:
    order = visit(shop)
    assert told(epay.notify(order.number, money=money)) == (200, "success")
    assert shop.state(order) == "paid"


@pytest.mark.parametrize(
    "change",
    [
        {"sign": ""},
        {"sign": "0" * 32},
        {"sign": "é"},
        {"money": "0.01"},
        {"sign_type": "RSA"},
        {"param": "added"},
    ],
    ids=str,
)
def test_what_the_gateway_has_not_signed_is_refused(
    shop: Shop, epay: EPay, change: dict[str, str]
) -> None:
    order = visit(shop)
    fields = signed(epay.notice(order.number)) | change
    assert told(tell(shop.epay_notify, fields)) == (400, "fail")
    assert shop.state(order) == "pending"
    assert shop.entries == []


@pytest.mark.parametrize("key", ["", "other-key"])
def test_another_key_is_refused(shop: Shop, epay: EPay, key: str) -> None:
    order = visit(shop)
    fields = signed(epay.notice(order.number), key)
    assert told(tell(shop.epay_notify, fields)) == (400, "fail")
    assert shop.entries == []


def test_a_notice_without_anything_is_refused(shop: Shop) -> None:
    assert told(tell(shop.epay_notify, {})) == (400, "fail")
    assert told(requests.post(shop.epay_notify, timeout=9)) == (400, "fail")
    many = {f"f{number}": "1" for number in range(1100)}
    assert told(requests.post(shop.epay_notify, data=many, timeout=9)) == (400, "fail")
    assert told(requests.post(shop.epay_notify, data=b"x" * 300_000, timeout=9)) == (413, "fail")


def test_a_notice_for_another_merchant_is_refused(shop: Shop, epay: EPay) -> None:
    order = visit(shop)
    assert told(epay.notify(order.number, pid="1002")) == (400, "fail")
    assert shop.entries == []


@pytest.mark.parametrize("status", ["TRADE_CLOSED", "WAIT_BUYER_PAY", "", "trade_success"])
def test_what_is_not_paid_yet_is_not_credited(shop: Shop, epay: EPay, status: str) -> None:
    order = visit(shop)
    assert told(epay.notify(order.number, trade_status=status)) == (200, "fail")
    assert shop.state(order) == "pending"


@pytest.mark.parametrize("number", ["0" * 30, "", "x\x00y", "é", "%%%%%%%%"])
def test_an_order_that_there_is_not(shop: Shop, epay: EPay, number: str) -> None:
    order = visit(shop)
    answer = epay.notify(order.number, out_trade_no=number)
    assert told(answer) == (404, "fail")
    assert shop.entries == []


def test_an_order_of_another_service_is_not_epays(shop: Shop, epay: EPay) -> None:
    of_epay = visit(shop)
    of_stripe, _ = shop.order("stripe", "72")
    answer = epay.notify(of_epay.number, out_trade_no=of_stripe.number, money="72.00")
    assert told(answer) == (404, "fail")
    assert shop.state(of_stripe) == "pending"
    assert shop.entries == []


def test_without_its_key_nothing_is_believed(stack: Stack, shop: Shop, epay: EPay) -> None:
    """The default site; an empty key signs as well as any."""
    order = visit(shop)
    for key in ("", "imitation-key"):
        fields = signed(epay.notice(order.number), key)
        assert told(tell(f"{stack.url}/pay/epay/notify", fields)) == (403, "fail")
    assert shop.entries == []


@pytest.mark.parametrize("missing", ["EPAY_URL", "EPAY_PID", "EPAY_KEY"])
def test_half_switched_on_it_takes_no_orders(shop: Shop, settings: Any, missing: str) -> None:
    setattr(settings, missing, "")
    with pytest.raises(ProviderOff, match="takes no payments through epay"):
        shop.order("epay")
    assert not TopUp.objects.filter(tenant=shop.tenant).exists()


def test_without_an_exchange_rate_it_takes_no_orders(shop: Shop, settings: Any) -> None:
    settings.TOPUP_RATES = {"EUR": "0.9"}
    with pytest.raises(ProviderOff):
        shop.order("epay")


def test_a_site_in_yuan_needs_no_exchange_rate(shop: Shop, settings: Any) -> None:
    settings.CURRENCY, settings.TOPUP_RATES = "CNY", {}
    order, _ = shop.order("epay", "10")
    assert order.pay_amount == 1000


def test_a_way_to_pay_that_is_not_offered(shop: Shop) -> None:
    with pytest.raises(TopUpRefused, match="alipay, wxpay"):
        shop.order("epay", method="bank")


@pytest.mark.parametrize("page", ["", "/", "/submit.php"])
def test_the_gateways_address_in_every_form(
    shop: Shop, epay: EPay, settings: Any, page: str
) -> None:
    settings.EPAY_URL = epay.url + page
    visit(shop)


def test_the_signature_of_a_known_example() -> None:
    """md5 of `a=1&b=x y&money=1.00` and the key, by hand with md5sum."""
    fields = {"money": "1.00", "b": "x y", "a": "1", "empty": "", "sign": "s", "sign_type": "MD5"}
    assert sign(fields, "key") == "6ce94cf46732f9dd7f9e21f8d80cc7ae"
