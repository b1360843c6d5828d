"""deploy/nginx.conf as it stands, with other addresses, in front of the product."""

import getpass
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.accounts import Account
from tests.stack import ROOT, Stack, free_port, wait_until

pytestmark = pytest.mark.skipif(
    not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    and not os.environ.get("NGINX_REQUIRED"),
    reason="no nginx",
)
FILE = ROOT / "deploy" / "nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"


class Proxy:
    """It stands before `stack`; `tls` and `plain` are its two addresses."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.ports = free_port(), free_port()
        self.plain, self.tls = (
            f"{scheme}://127.0.0.1:{port}"
            for scheme, port in zip(("http", "https"), self.ports, strict=True)
        )
        self.certificate = folder / "fullchain.pem"
        self._file = folder / "nginx.conf"
        _make_certificate(folder)
        self._file.write_text(self._text(folder, stack))
        self._folder = folder

    def command(self, *words: str) -> list[str]:
        return [NGINX, "-p", str(self._folder), "-e", "stderr", "-c", str(self._file), *words]

    def _text(self, folder: Path, stack: Stack) -> str:
        text = FILE.read_text()
        assert text.count("127.0.0.1:8000") == 1
        text = re.sub(r"\n *listen \[::\].*", "", text)
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{stack.port}")
        for port, own in zip(("80", "443"), self.ports, strict=True):
            text = text.replace(f"listen {port}", f"listen 127.0.0.1:{own}")
        text = text.replace("/etc/letsencrypt/live/relay.example", str(folder))
        text = text.replace("server_name relay.example", "server_name 127.0.0.1")
        temporary = "".join(
            f"    {name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        text = text.replace("http {\n", f"http {{\n{temporary}", 1)
        # Its workers must enter the test's folder.
        return f"daemon off;\nuser {getpass.getuser()};\npid {folder}/pid;\n{text}"


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def secure(stack_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A web whose own address is https: nobody who came by http is served."""
    folder = tmp_path_factory.mktemp("secure")
    env = stack_env | {"RELAY_VAR": str(folder), "BODY_MAX_BYTES": "40000000"}
    web = Stack(folder=folder, env=env, drawing_seconds=1)
    web.env["PUBLIC_URL"] = "https://relay.example"
    web.env["ALLOWED_HOSTS"] = "127.0.0.1"
    web.start("web")
    yield web
    web.kill("web")


@pytest.fixture(scope="module")
def proxy(secure: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    made = Proxy(folder, secure)
    checked = subprocess.run(made.command("-t"), capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen(made.command(), stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _answers(made.plain), what="nginx")
            yield made
        finally:
            process.send_signal(signal.SIGQUIT)


def _answers(url: str) -> bool:
    try:
        return bool(requests.get(url, timeout=2, allow_redirects=False).status_code)
    except requests.ConnectionError:
        return False


def ask(proxy: Proxy, method: str, path: str, **fields: object) -> requests.Response:
    return requests.request(
        method, proxy.tls + path, verify=str(proxy.certificate), timeout=30, **fields
    )


def test_who_comes_by_http_is_sent_to_https(proxy: Proxy) -> None:
    answer = requests.get(f"{proxy.plain}/docs?a=b", allow_redirects=False, timeout=10)
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://127.0.0.1/docs?a=b"


def test_the_relay_knows_that_one_came_by_https(proxy: Proxy, secure: Stack) -> None:
    direct = requests.get(f"{secure.url}/docs", allow_redirects=False, timeout=10)
    assert direct.status_code in (301, 302, 308), "it would serve everybody"
    answer = ask(proxy, "GET", "/docs")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_submit_comes_through(proxy: Proxy, account: Account) -> None:
    body = {"prompt": "through nginx"}
    answer = ask(proxy, "POST", "/mj/submit/imagine", json=body, headers=account.headers)
    assert answer.status_code == 200, answer.text
    assert account.finish(answer.json()["result"])["status"] == "SUCCESS"


def test_a_client_cannot_lie_about_its_address(proxy: Proxy, account: Account) -> None:
    account.token.addresses = ["203.0.113.9"]
    account.token.save()
    lie = {"X-Forwarded-For": "203.0.113.9", **account.headers}
    answer = ask(proxy, "POST", "/mj/submit/imagine", json={"prompt": "a lie"}, headers=lie)
    assert (answer.status_code, answer.json()["type"]) == (403, "ip_not_allowed")
    account.token.addresses = ["127.0.0.1"]
    account.token.save()
    answer = ask(
        proxy, "POST", "/mj/submit/imagine", json={"prompt": "true"}, headers=account.headers
    )
    assert answer.status_code == 200


def test_bodies_are_bounded_and_metrics_are_not_told(proxy: Proxy, account: Account) -> None:
    # The relay's own bound is set higher here, so the second answer is nginx's.
    for size, status in ((20_000_000, 400), (34_000_000, 413)):
        body = {"prompt": "x" * size}
        answer = ask(proxy, "POST", "/mj/submit/imagine", json=body, headers=account.headers)
        assert answer.status_code == status, answer.text[:200]
    for path in ("/metrics", "/metrics/"):
        assert ask(proxy, "GET", path).status_code == 404


def test_a_web_that_is_gone_is_told_at_once(proxy: Proxy, secure: Stack) -> None:
    secure.stop("web")
    try:
        assert ask(proxy, "GET", "/healthz").status_code == 502
    finally:
        secure.start("web")
    wait_until(lambda: ask(proxy, "GET", "/healthz").status_code == 200, what="nginx")
