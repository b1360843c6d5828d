"""Redemption codes: batches for the site, and a tenant's redeeming."""

from io import StringIO
from typing import Any

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from rest_framework import serializers

from billing import codes
from billing.models import CodeBatch, RedemptionCode
from relay.api.v1 import entries
from relay.api.v1.entries import Funds, WalletView
from relay.api.v1.fields import Flag, Money, Name, Strict, Text, Whole, memo, taken
from relay.api.v1.operation import Call, View, found, operation
from relay.api.v1.paging import Page, PageQuery, page, page_of, shown
from relay.api.v1.roles import Right
from relay.errors import Conflict, InvalidRequest

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


class CodeLine(Strict):
    id = serializers.IntegerField()
    prefix = serializers.CharField(help_text="Its start, to recognise it by.")
    is_active = serializers.BooleanField()
    redeemed_at = serializers.DateTimeField(allow_null=True)
    tenant_id = serializers.IntegerField(allow_null=True, help_text="Who has redeemed it.")
    tenant = serializers.CharField(allow_null=True)


class CodeQuery(PageQuery):
    q = Name(required=False, max_length=CODE_MAX_CHARS, help_text="The code, or its start.")
    is_redeemed = Flag(required=False)


class Reason(Strict):
    reason = memo(help_text="Why, for the record.")


class Redeem(View):
    tag = "money"
    thing, deed = "wallet", "redeem code"
    shown_by, tells = WalletView, ("amount",)

    @operation(Right.BUY, "Redeem a code", body=Redemption, answer=Redeemed)
    def post(self, call: Call) -> dict[str, Any]:
        amount = codes.redeem(call.body["code"], tenant=call.tenant, actor=call.actor)
        return {"amount": amount, "wallet": entries.funds(call.tenant.pk)}


class Batches(View):
    tag = "codes"
    thing = "code batch"
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
    thing, deed = "code batch", "disable code batch"
    shown_by = OneBatch
    site_only = True

    @operation(
        Right.CODES,
        "Disable a batch: its unused codes are worth nothing",
        body=Reason,
        answer=BatchLine,
    )
    def post(self, call: Call, batch_id: int) -> CodeBatch:
        codes.disable_batch(_one(batch_id))
        return _one(batch_id)


class Codes(View):
    tag = "codes"
    site_only = True

    @operation(
        Right.SEE_CODES, "List the codes of a batch", query=CodeQuery, answer=page_of(CodeLine)
    )
    def get(self, call: Call, batch_id: int) -> Page:
        rows = RedemptionCode.objects.filter(batch=_one(batch_id)).select_related("redeemed_by")
        if "q" in call.query:
            rows = rows.filter(prefix=call.query["q"].upper()[: codes.SHOWN_CHARS])
        if "is_redeemed" in call.query:
            rows = rows.filter(redeemed_at__isnull=not call.query["is_redeemed"])
        return shown(page(rows, call.query), _code)


class CodeDisabling(View):
    tag = "codes"
    thing, deed = "code", "disable code"
    site_only = True

    def snapshot(self, call: Call, **ids: Any) -> tuple[type[Strict], Any] | None:
        return CodeLine, _code(_one_code(**ids))

    @operation(
        Right.CODES, "Disable one code that nobody has redeemed", body=Reason, answer=CodeLine
    )
    def post(self, call: Call, batch_id: int, code_id: int) -> dict[str, Any]:
        if not codes.disable(_one_code(batch_id, code_id)):
            raise Conflict("this code has been redeemed")
        return _code(_one_code(batch_id, code_id))


def _one_code(batch_id: int, code_id: int) -> RedemptionCode:
    rows = RedemptionCode.objects.filter(batch=batch_id).select_related("redeemed_by")
    code: RedemptionCode = found(rows, code_id, "code")
    return code


def _code(code: RedemptionCode) -> dict[str, Any]:
    line = taken(CodeLine, code, without=("tenant_id", "tenant"))
    name = code.redeemed_by.name if code.redeemed_by else None
    return line | {"tenant_id": code.redeemed_by_id, "tenant": name}


def _counted() -> Any:
    """Counted for the batches of one page, not for all that there are."""
    return CodeBatch.objects.annotate(number=_number(), redeemed=_number(redeemed_at__isnull=False))


def _number(**which: Any) -> Coalesce:
    mine = RedemptionCode.objects.filter(batch=OuterRef("pk"), **which).order_by()
    counted = mine.values("batch").annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted), 0)


def _one(batch_id: int) -> CodeBatch:
    batch: CodeBatch = found(_counted(), batch_id, "batch")
    return batch
