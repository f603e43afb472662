"""The partners' API to their streams, orders, consents, cases and reservations. Its addresses stand in lefi.urls."""

from subscriptions.api.base import Pages, PartnerView
from subscriptions.api.consents import ConsentFile, Consents, OneConsent, Withdrawal
from subscriptions.api.orders import (
    Abandonment,
    Confirmation,
    OneOrder,
    Orders,
    Rejection,
    Result,
    Resumption,
    Stop,
    StreamOrders,
)
from subscriptions.api.references import CaseEnds, Reconfirmations
from subscriptions.api.reservations import ReservationAcknowledgement, Reservations
from subscriptions.api.streams import Streams
from subscriptions.api.uploads import OneUpload, StreamUploads

__all__ = [
    "Abandonment",
    "CaseEnds",
    "Confirmation",
    "ConsentFile",
    "Consents",
    "OneConsent",
    "OneOrder",
    "OneUpload",
    "Orders",
    "Pages",
    "PartnerView",
    "Reconfirmations",
    "Rejection",
    "ReservationAcknowledgement",
    "Reservations",
    "Result",
    "Resumption",
    "Stop",
    "StreamOrders",
    "StreamUploads",
    "Streams",
    "Withdrawal",
]
