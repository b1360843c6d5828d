"""Who pays: tenants and their keys, wallets and the ledger, prices, sales, usage, notices."""

from billing.models.announcements import Announcement
from billing.models.carried import CarriedDay, CarriedKey, CarriedWallet, CarriedWeek
from billing.models.limits import RateWindow
from billing.models.notices import Delivery, LowBalance, Notice
from billing.models.prices import GroupRatio, PriceBook, PriceRule
from billing.models.sales import CodeBatch, RedemptionCode, TopUp
from billing.models.tenants import (
    Group,
    Invitation,
    ManagementKey,
    Member,
    Role,
    StaffMember,
    StaffRole,
    Tenant,
    Token,
)
from billing.models.usage import (
    EarnedDay,
    EarnedKey,
    EarnedKeyAction,
    EarnedKeyChannel,
    UsageDay,
    UsageHour,
    UsageMark,
    UsageTotal,
)
from billing.models.wallets import Entry, Wallet

__all__ = [
    "Announcement",
    "CarriedDay",
    "CarriedKey",
    "CarriedWallet",
    "CarriedWeek",
    "CodeBatch",
    "Delivery",
    "EarnedDay",
    "EarnedKey",
    "EarnedKeyAction",
    "EarnedKeyChannel",
    "Entry",
    "Group",
    "GroupRatio",
    "Invitation",
    "LowBalance",
    "ManagementKey",
    "Member",
    "Notice",
    "PriceBook",
    "PriceRule",
    "RateWindow",
    "RedemptionCode",
    "Role",
    "StaffMember",
    "StaffRole",
    "Tenant",
    "Token",
    "TopUp",
    "UsageDay",
    "UsageHour",
    "UsageMark",
    "UsageTotal",
    "Wallet",
]
