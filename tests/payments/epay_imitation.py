"""An EPay gateway as its documents describe it: a page that takes signed orders, and notices."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import requests

PID = "1001"
KEY = "imitation-key"
FIELDS = {
    "pid", "type", "out_trade_no", "notify_url", "return_url", "name", "money", "sign", "sign_type",
}  # fmt: skip


@dataclass
class EPay:
    url: str = ""
    # What the payer was sent here with, by order number.
    orders: dict[str, dict[str, str]] = field(default_factory=dict)

    def notice(self, number: str, **changes: str) -> dict[str, str]:
        """That the order is paid, as ordered but for the changes; not signed."""
        order = self.orders[number]
        return {
            "pid": order["pid"],
            "trade_no": f"2026{number[:12]}",
            "out_trade_no": number,
            "type": order["type"],
            "name": order["name"],
            "money": order["money"],
            "trade_status": "TRADE_SUCCESS",
            "param": "",
        } | changes

    def notify(self, number: str, **changes: str) -> requests.Response:
        """Tells the merchant where he wanted to be told."""
        return tell(self.orders[number]["notify_url"], signed(self.notice(number, **changes)))


def signed(fields: dict[str, str], key: str = KEY) -> dict[str, str]:
    """a=1&b=2 in the order of the names, without what is empty, the key behind: MD5 in hex."""
    names = sorted(name for name in fields if fields[name] != "")
    text = "&".join(name + "=" + fields[name] for name in names)
    return fields | {"sign": hashlib.md5((text + key).encode()).hexdigest(), "sign_type": "MD5"}


def tell(notify_url: str, fields: dict[str, str]) -> requests.Response:
    return requests.get(notify_url, params=fields, timeout=20)


@contextmanager
def epay_imitation() -> Iterator[EPay]:
    epay = EPay()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(epay))
    server.daemon_threads = True
    epay.url = f"http://127.0.0.1:{server.server_port}/pay"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield epay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_for(epay: EPay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            fields = dict(parse_qsl(parts.query, strict_parsing=True))
            plain = {name: fields[name] for name in fields.keys() - {"sign", "sign_type"}}
            if parts.path != "/pay/submit.php" or set(fields) != FIELDS:
                self._answer(404, "no such page")
            elif fields["pid"] != PID or fields != signed(plain):
                self._answer(403, "签名验证失败")
            else:
                epay.orders[fields["out_trade_no"]] = fields
                self._answer(200, f"pay {fields['money']} by {fields['type']}")

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            """Nothing on the test run's output."""

    return Handler
