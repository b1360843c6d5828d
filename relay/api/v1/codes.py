"""Redemption codes: batches for the site, and a tenant's redeeming."""

from io import StringIO
from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from rest_framework import serializers

from billing import codes
from billing.models import CodeBatch
from relay.api.v1 import entries
from relay.api.v1.entries import Funds
from relay.api.v1.fields import Flag, Money, Name, Strict, Text, Whole
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of
from relay.api.v1.roles import Right
from relay.errors import InvalidRequest

CODE_MAX_CHARS = 400
CSV = "text/csv"


class Redemption(Strict):
    code = Text(max_length=CODE_MAX_CHARS)


class Redeemed(Strict):
    amount = Money()
    wallet = Funds()


class NewBatch(Strict):
    name = Name()
    count = Whole(min_value=1, max_value=codes.BATCH_MAX_CODES)
    amount = Money(least=1, help_text="What each code is worth.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class BatchLine(Strict):
    id = serializers.IntegerField()
    name = serializers.CharField()
    amount = Money(help_text="What each code is worth.")
    expires_at = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    number = serializers.IntegerField(help_text="How many codes.")
    redeemed = serializers.IntegerField(help_text="How many of them are used.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()


class BatchQuery(PageQuery):
    q = Name(required=False, help_text="A part of the name.")
    is_active = Flag(required=False)


class Redeem(View):
    tag = "money"

    @operation(Right.BUY, "Redeem a code", body=Redemption, answer=Redeemed)
    def post(self, call: Call) -> dict[str, Any]:
        amount = codes.redeem(call.body["code"], tenant=call.tenant, actor=call.actor)
        return {"amount": amount, "wallet": entries.funds(call.tenant.pk)}


class Batches(View):
    tag = "codes"
    site_only = True

    @operation(Right.SEE_CODES, "List the batches", query=BatchQuery, answer=page_of(BatchLine))
    def get(self, call: Call) -> Page:
        filters = {"q": "name__icontains", "is_active": "is_active"}
        asked = {column: call.query[name] for name, column in filters.items() if name in call.query}
        return page(_counted().filter(**asked), call.query)

    @operation(
        Right.CODES,
        "Make a batch; the answer has the codes, this once only",
        body=NewBatch,
        status=201,
        media_types=(CSV,),
    )
    def post(self, call: Call) -> HttpResponse:
        try:
            batch, made = codes.make(actor=call.actor, **call.body)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        file = StringIO()
        codes.write_csv(file, batch, made)
        answer = HttpResponse(file.getvalue(), content_type=CSV, status=201)
        answer["Content-Disposition"] = f'attachment; filename="codes-{batch.pk}.csv"'
        answer["Cache-Control"] = "no-store"
        return answer


class OneBatch(View):
    tag = "codes"
    site_only = True

    @operation(Right.SEE_CODES, "Show a batch", answer=BatchLine)
    def get(self, call: Call, batch_id: int) -> CodeBatch:
        return _one(batch_id)


class BatchDisabling(View):
    tag = "codes"
    site_only = True

    @operation(Right.CODES, "Disable a batch: its unused codes are worth nothing", answer=BatchLine)
    def post(self, call: Call, batch_id: int) -> CodeBatch:
        codes.disable_batch(_one(batch_id))
        return _one(batch_id)


def _counted() -> Any:
    return CodeBatch.objects.annotate(number=Count("codes"), redeemed=Count("codes__redeemed_at"))


def _one(batch_id: int) -> CodeBatch:
    batch: CodeBatch = found(_counted(), batch_id, "batch")
    return batch
