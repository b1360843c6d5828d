"""EPay (易支付): the protocol that many Chinese payment gateways speak.

Written after two gateways' public documents, which agree:
- result notice: https://pay.ecqq.cc/ji-shu-dui-jie-liu-cheng/zhi-fu-jie-guo-tong-zhi
- submit.php: https://docs.kyren.top/api-reference/epay-compatibility/submitphp-redirect-checkout-compatibility-endpoint
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlencode

from django.conf import settings

from billing.errors import InvalidSignature, MalformedPayment, ProviderOff
from billing.providers.base import (
    Checkout,
    Notification,
    Outcome,
    Payment,
    Provider,
    Redirect,
    minor_text,
)

SIGN_TYPE = "MD5"
# Only this word means that money has come (result notice, field trade_status).
PAID = "TRADE_SUCCESS"
CURRENCY = "CNY"
SAID_MAX_CHARS = 60
# In yuan, with a point (result notice, field money). Python's Decimal also takes NaN, 1e9 and the
# digits of other scripts.
_MONEY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


class EPay(Provider):
    name = "epay"
    # The protocol has no field for another.
    own_currency = CURRENCY

    @property
    def is_on(self) -> bool:
        return bool(settings.EPAY_URL and settings.EPAY_TYPES and self._has_secret)

    @property
    def methods(self) -> list[str]:
        return [word.strip() for word in settings.EPAY_TYPES]

    @property
    def _has_secret(self) -> bool:
        return bool(settings.EPAY_PID and settings.EPAY_KEY)

    def create(self, checkout: Checkout) -> Redirect:
        """The order travels in the address that the payer is sent to; nothing is asked before."""
        fields = {
            "pid": settings.EPAY_PID,
            "type": checkout.method,
            "out_trade_no": checkout.number,
            "notify_url": checkout.notify_url,
            "return_url": checkout.return_url,
            "name": f"Balance {checkout.number}",
            "money": minor_text(checkout.amount, CURRENCY).removesuffix(f" {CURRENCY}"),
        }
        signed = fields | {"sign": sign(fields, settings.EPAY_KEY), "sign_type": SIGN_TYPE}
        page = settings.EPAY_URL.rstrip("/").removesuffix("/submit.php")
        return Redirect(f"{page}/submit.php?{urlencode(signed)}")

    def read(self, notification: Notification) -> Payment:
        """The fields of the notice stand in the query."""
        if not self._has_secret:
            raise ProviderOff(self.name)
        fields = notification.query
        given = fields.get("sign", "").lower().encode()
        expected = sign(fields, settings.EPAY_KEY).encode()
        is_md5 = fields.get("sign_type", SIGN_TYPE).upper() == SIGN_TYPE
        if not (is_md5 and hmac.compare_digest(given, expected)):
            raise InvalidSignature
        if fields.get("pid") != settings.EPAY_PID:
            raise MalformedPayment("this is for another merchant")
        return Payment(
            number=fields.get("out_trade_no", ""),
            reference=fields.get("trade_no", ""),
            amount=_fen(fields.get("money", "")),
            currency=CURRENCY,
            outcome=Outcome.PAID if fields.get("trade_status") == PAID else Outcome.WAITING,
            said=fields.get("money", "")[:SAID_MAX_CHARS],
        )


def sign(fields: Mapping[str, str], key: str) -> str:
    """The MD5 of all fields but the signature's own and the empty ones, in the order of their
    names as `a=1&b=2`, with the key straight behind (submit.php, "Signature algorithm")."""
    signed = sorted(
        (name, value)
        for name, value in fields.items()
        if value and name not in ("sign", "sign_type")
    )
    text = "&".join(f"{name}={value}" for name, value in signed) + key
    # The protocol knows no better; the key behind the text is what is proved.
    return hashlib.md5(text.encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def _fen(money: str) -> int | None:
    if not _MONEY.fullmatch(money):
        return None
    fen = Decimal(money) * 100
    return int(fen) if fen == fen.to_integral_value() else None
