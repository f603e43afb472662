"""The pages of the portal, and those that anybody may open, on the side of the law."""

from subscriptions.views.agreements import (
    agreement_detail,
    agreement_document,
    agreement_list,
    agreement_pdf,
    agreement_sign,
    notice_list,
)
from subscriptions.views.connections import connect, connection_status, connection_withdraw
from subscriptions.views.references import case_end, case_file, case_list, watch_reconfirm
from subscriptions.views.reservations import reservation_acknowledge, reservation_list
from subscriptions.views.watches import watch_find, watch_list, watch_number

__all__ = [
    "agreement_detail",
    "agreement_document",
    "agreement_list",
    "agreement_pdf",
    "agreement_sign",
    "case_end",
    "case_file",
    "case_list",
    "connect",
    "connection_status",
    "connection_withdraw",
    "notice_list",
    "reservation_acknowledge",
    "reservation_list",
    "watch_find",
    "watch_list",
    "watch_number",
    "watch_reconfirm",
]
