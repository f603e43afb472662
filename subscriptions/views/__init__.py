"""The pages of the portal, and those that anybody may open, on the side of the law."""

from subscriptions.views.agreements import (
    agreement_detail,
    agreement_document,
    agreement_list,
    agreement_pdf,
    agreement_sign,
    notice_list,
    notices_read,
)
from subscriptions.views.clients import client_detail, client_list, client_new, client_secret, client_stop
from subscriptions.views.connections import connect, connection_message, connection_status, connection_withdraw
from subscriptions.views.drafts import draft, draft_later, draft_page, draft_summary, draft_throw_away
from subscriptions.views.invitations import invitation, invitation_link
from subscriptions.views.mending import order_faults, order_mend, order_settle
from subscriptions.views.ordering import order_change, order_example, order_file, order_new, order_stock
from subscriptions.views.orders import (
    order_detail,
    order_list,
    order_number,
    order_progress,
    order_result,
    order_step,
)
from subscriptions.views.organisation import organisation_index
from subscriptions.views.ownlog import own_log, own_log_file
from subscriptions.views.people import (
    invitation_resend,
    invitation_withdraw,
    person_end,
    person_invite,
    person_list,
    person_role,
)
from subscriptions.views.recipients import recipients
from subscriptions.views.references import case_end, case_file, case_list, case_undo, watch_reconfirm
from subscriptions.views.reservations import reservation_acknowledge, reservation_list
from subscriptions.views.watches import (
    watch_detail,
    watch_find,
    watch_list,
    watch_number,
    watch_order,
    watch_usual,
)

__all__ = [
    "agreement_detail",
    "agreement_document",
    "agreement_list",
    "agreement_pdf",
    "agreement_sign",
    "case_end",
    "case_file",
    "case_list",
    "case_undo",
    "client_detail",
    "client_list",
    "client_new",
    "client_secret",
    "client_stop",
    "connect",
    "connection_message",
    "connection_status",
    "connection_withdraw",
    "draft",
    "draft_later",
    "draft_page",
    "draft_summary",
    "draft_throw_away",
    "invitation",
    "invitation_link",
    "invitation_resend",
    "invitation_withdraw",
    "notice_list",
    "notices_read",
    "order_change",
    "order_detail",
    "order_example",
    "order_faults",
    "order_file",
    "order_list",
    "order_mend",
    "order_new",
    "order_number",
    "order_progress",
    "order_result",
    "order_settle",
    "order_step",
    "order_stock",
    "organisation_index",
    "own_log",
    "own_log_file",
    "person_end",
    "person_invite",
    "person_list",
    "person_role",
    "recipients",
    "reservation_acknowledge",
    "reservation_list",
    "watch_detail",
    "watch_find",
    "watch_list",
    "watch_number",
    "watch_order",
    "watch_reconfirm",
    "watch_usual",
]
