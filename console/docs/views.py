"""How to draw by program: a quick start with this tenant's prices, and the whole reference with a
key filled in, when a person asks for that.

Keys are kept as hashes only. So the key is one that is made here, or one that the person pastes;
it stays in this tab of his browser (sessionStorage), and goes nowhere but into the requests of the
API that he makes himself.
"""

import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.forms import form_of
from console.pages import call, may, show
from console.places import ask
from console.playground import snippets
from console.who import fresh_sign_in, only_with, tenant_page
from relay.api import docs
from relay.api.v1 import drawing_offers, keys, prices
from relay.api.v1.roles import Right
from relay.submits.modes import MODES

NewKey = form_of(
    keys.Keys,
    "post",
    ["name", "is_test", "budget"],
    name={"initial": gettext_lazy("From the docs")},
    is_test={
        "help_text": gettext_lazy("A test key spends play money, on channels that are for tests."),
    },
    budget={"help_text": gettext_lazy("Empty: no limit.")},
)
VERIFY = """\
import base64, hashlib, hmac, time

def is_genuine(headers, body: bytes, secret: str) -> bool:
    \"\"\"secret: "whsec_…"; body: the bytes as they came.\"\"\"
    stamp = headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = headers["webhook-id"].encode() + b"." + stamp.encode() + b"." + body
    mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [word.removeprefix("v1,") for word in headers["webhook-signature"].split()]
    return any(hmac.compare_digest(mac, word) for word in given)
"""


@tenant_page
def page(request: HttpRequest, tenant_id: int) -> HttpResponse:
    lines = call(request, prices.Prices, "get", tenant_id=tenant_id)["data"]
    told = {
        "tenant_id": tenant_id,
        "may_make": may(request, Right.KEYS, tenant_id),
        "base": settings.PUBLIC_URL,
        "modes": MODES,
        "lines": [
            (line["action"], line["name"], [line["prices"].get(mode) for mode in MODES])
            for line in lines
        ],
        "submit": snippets.of("/mj/submit/imagine", {"prompt": "a lighthouse --ar 16:9"}),
        "fetch": snippets.of("/mj/task/TASK_ID/fetch", None, method="GET"),
        "action": snippets.of(
            "/mj/submit/action", {"taskId": "TASK_ID", "customId": "MJ::JOB::upsample::1::…"}
        ),
        "verify": [snippets.Snippet("Python", VERIFY)],
    }
    return show(request, "console/docs/page.html", told)


@tenant_page
def reference(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """The page draws itself with styles of its own, hence another policy than the other pages'."""
    language = "zh" if (translation.get_language() or "").startswith("zh") else "en"
    nonce = secrets.token_urlsafe(docs.NONCE_BYTES)
    told = {"tenant_id": tenant_id, "schema": f"/openapi.json?lang={language}", "nonce": nonce}
    response = render(request, "console/docs/reference.html", told)
    response["Content-Security-Policy"] = docs.policy(nonce)
    return response


@tenant_page
@only_with(Right.KEYS)
@fresh_sign_in
def make_key(request: HttpRequest, tenant_id: int) -> HttpResponse:
    offers = call(request, drawing_offers.OfferList, "get", tenant_id=tenant_id)
    form = NewKey(request.POST or None, initial={"is_test": offers["is_test_served"]})
    if form.is_valid():
        with form.refusals():
            made = call(request, keys.Keys, "post", tenant_id=tenant_id, body=form.body)
            told = {"secret": made["key"], "key": made["details"], "tenant_id": tenant_id}
            told["is_idle"] = made["details"]["is_test"] and not offers["is_test_served"]
            return show(request, "console/docs/made.html", told)
    return ask(
        request,
        form,
        title=_("A key for the examples"),
        button=_("Make the key"),
        back=reverse("console:docs", args=[tenant_id]),
    )
