"""Who pays: tenants and their keys, wallets and the ledger, prices, sales, usage, notices."""

from billing.models.limits import RateWindow
from billing.models.notices import Delivery, LowBalance, Notice
from billing.models.prices import GroupRatio, PriceBook, PriceRule
from billing.models.sales import CodeBatch, RedemptionCode, TopUp
from billing.models.tenants import Group, ManagementKey, Member, Role, StaffRole, Tenant, Token
from billing.models.usage import UsageDay, UsageMark
from billing.models.wallets import Entry, Wallet

__all__ = [
    "CodeBatch",
    "Delivery",
    "Entry",
    "Group",
    "GroupRatio",
    "LowBalance",
    "ManagementKey",
    "Member",
    "Notice",
    "PriceBook",
    "PriceRule",
    "RateWindow",
    "RedemptionCode",
    "Role",
    "StaffRole",
    "Tenant",
    "Token",
    "TopUp",
    "UsageDay",
    "UsageMark",
    "Wallet",
]
