"""What was signed about deliveries, and the keys that signed it. Keys are made and withdrawn by `signing_keys`."""

import json

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from deliveries.jws import payload_of
from deliveries.models import Receipt, SigningKey
from lefi.admin import ReadOnlyAdmin, link
from lefi.admin.columns import ERROR, INFO, SUCCESS, badge, state
from lefi.admin.filters import whether


@admin.register(SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ["kid", "state_badge", "algorithm", "signs_from", "signs_to", "withdrawn_at"]
    list_filter = [("withdrawn_at", whether(_("trusted"), _("withdrawn"), _("trust")))]
    fields = ["kid", "state_badge", "algorithm", "created_at", "signs_from", "signs_to", "public_key"]
    technical = ["public_key"]
    moments = [("created_at", ""), ("signs_from", ""), ("signs_to", ""), ("withdrawn_at", "")]
    leads_to = [("deliveries.Receipt", "key", "pk")]
    empty = _("There is no key: nothing can be told until there is one.")

    @admin.display(description=_("state"))
    def state_badge(self, key: SigningKey) -> str:
        now = timezone.now()
        if key.withdrawn_at:
            return badge(_("withdrawn"), ERROR)
        if key.signs_from > now:
            return badge(_("announced"), INFO)
        return badge(_("signs"), SUCCESS) if key.signs_to is None or key.signs_to > now else badge(_("has signed"))

    @admin.display(description=_("public key"))
    def public_key(self, key: SigningKey) -> str:
        return format_html('<pre class="fragment">{}</pre>', json.dumps(key.public_jwk, indent=1))


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind_badge", "number", "stream_link", "customer_link", "key_link"]
    list_filter = ["kind"]
    list_select_related = ["key", "stream__agreement__customer"]
    ordering = ["-id"]
    sortable_by = ["id"]
    search_fields = ["stream__agreement__code", "stream__agreement__customer__name"]
    search_help_text = _("The agreement's code, or the customer's name.")
    narrowed_by = ["key", "stream"]
    short = ["id", "kind_badge", "number", "stream_link"]
    empty = _("Nothing has been signed yet.")
    fields = ["kind_badge", "number", "stream_link", "key_link", "says", "sha256", "previous", "jws"]
    technical = ["sha256", "previous", "jws"]

    kind_badge = state("kind", _("kind"), {Receipt.Kind.TOMBSTONE: ERROR, Receipt.Kind.ACKNOWLEDGEMENT: SUCCESS})
    stream_link = link("stream", _("stream"))
    customer_link = link("stream.agreement.customer", _("customer"))
    key_link = link("key", _("key"))

    @admin.display(description=_("what it says"))
    def says(self, receipt: Receipt) -> str:
        text = json.dumps(payload_of(receipt.jws), indent=1, ensure_ascii=False)
        return format_html('<pre class="fragment">{}</pre>', text)
