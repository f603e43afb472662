"""Every door, on one page."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularYAMLAPIView
from oauth2_provider.views import RevokeTokenView, TokenView

from benefits import views as benefits
from deliveries import api as deliveries_api
from deliveries import schema_views as schemas
from deliveries import schemachange_views as announced
from deliveries import views as deliveries
from deliveries.admin import figures, preview
from deliveries.admin.start import start
from lefi import problems
from lefi.limits import limited_logins
from lefi.service import views as about
from lefi.service.feeds import Notices
from subscriptions import api as subscriptions_api
from subscriptions import views as subscriptions
from subscriptions.admin import registers
from subscriptions.api.calls import noted_tokens

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

portal = [
    path("", deliveries.home, name="start"),
    path("watches/", subscriptions.watch_list, name="watch-list"),
    path("watches/usual/", subscriptions.watch_usual, name="watch-usual"),
    path("watches/find/", subscriptions.watch_find, name="watch-find"),
    path("watches/<int:pk>/number/", subscriptions.watch_number, name="watch-number"),
    path("watches/<int:pk>/", subscriptions.watch_detail, name="watch-detail"),
    path("watches/<int:pk>/told/", deliveries.person_told, name="person-told"),
    path("watches/order/", subscriptions.watch_order, name="watch-order"),
    path("watches/file/", deliveries.watch_file, name="watch-file"),
    path("watches/to-close/", deliveries.watches_to_close, name="watches-to-close"),
    path("watches/reconfirm/", subscriptions.watch_reconfirm, name="watch-reconfirm"),
    path("watches/cases/", subscriptions.case_list, name="case-list"),
    path("watches/cases/file/", subscriptions.case_file, name="case-file"),
    path("watches/<int:pk>/case/", subscriptions.case_end, name="case-end"),
    path("watches/<int:pk>/case/undo/", subscriptions.case_undo, name="case-undo"),
    path("orders/", subscriptions.order_list, name="order-list"),
    path("orders/new/", subscriptions.order_new, name="order-new"),
    path("orders/file/", subscriptions.order_file, name="order-file"),
    path("orders/stock/", subscriptions.order_stock, name="order-stock"),
    path("orders/example/", subscriptions.order_example, name="order-example"),
    path("orders/<int:pk>/", subscriptions.order_detail, name="order-detail"),
    path("orders/<int:pk>/progress/", subscriptions.order_progress, name="order-progress"),
    path("orders/<int:pk>/step/", subscriptions.order_step, name="order-step"),
    path("orders/<int:pk>/change/", subscriptions.order_change, name="order-change"),
    path("orders/<int:pk>/faults/", subscriptions.order_faults, name="order-faults"),
    path("orders/<int:pk>/settle/", subscriptions.order_settle, name="order-settle"),
    path("orders/<int:pk>/lines/<int:line>/mend/", subscriptions.order_mend, name="order-mend"),
    path("orders/<int:pk>/result/", subscriptions.order_result, name="order-result"),
    path("orders/<int:pk>/lines/<int:line>/number/", subscriptions.order_number, name="order-number"),
    path("reconciliations/", deliveries.reconciliation_list, name="reconciliation-list"),
    path("reconciliations/new/", deliveries.reconciliation_new, name="reconciliation-new"),
    path("reconciliations/example/", deliveries.reconciliation_example, name="reconciliation-example"),
    path("reconciliations/<int:pk>/", deliveries.reconciliation_detail, name="reconciliation-detail"),
    path("reconciliations/<int:pk>/progress/", deliveries.reconciliation_progress, name="reconciliation-progress"),
    path("reconciliations/<int:pk>/repair/", deliveries.reconciliation_repair, name="reconciliation-repair"),
    path(
        "reconciliations/<int:pk>/lines/<int:difference>/number/",
        deliveries.reconciliation_number,
        name="reconciliation-number",
    ),
    path("agreements/", subscriptions.agreement_list, name="agreement-list"),
    path("agreements/<int:pk>/", subscriptions.agreement_detail, name="agreement-detail"),
    path("agreements/<int:pk>/document/", subscriptions.agreement_document, name="agreement-document"),
    path("agreements/<int:pk>/pdf/", subscriptions.agreement_pdf, name="agreement-pdf"),
    path("agreements/<int:pk>/sign/", subscriptions.agreement_sign, name="agreement-sign"),
    path("notices/", subscriptions.notice_list, name="notice-list"),
    path("notices/read/", subscriptions.notices_read, name="notices-read"),
    path("reservations/", subscriptions.reservation_list, name="reservation-list"),
    path("reservations/<int:pk>/acknowledge/", subscriptions.reservation_acknowledge, name="reservation-acknowledge"),
    path("unasked/", deliveries.spontaneous_list, name="spontaneous-list"),
    path("unasked/<int:pk>/", deliveries.spontaneous_detail, name="spontaneous-detail"),
    path("organisation/", subscriptions.organisation_index, name="organisation"),
    path("organisation/<int:pk>/people/", subscriptions.person_list, name="person-list"),
    path("organisation/<int:pk>/systems/", subscriptions.client_list, name="client-list"),
    path("organisation/<int:pk>/systems/new/", subscriptions.client_new, name="client-new"),
    path("organisation/<int:pk>/systems/<int:client>/", subscriptions.client_detail, name="client-detail"),
    path("organisation/<int:pk>/systems/<int:client>/secret/", subscriptions.client_secret, name="client-secret"),
    path("organisation/<int:pk>/systems/<int:client>/stop/", subscriptions.client_stop, name="client-stop"),
    path("organisation/<int:pk>/deliveries/", deliveries.proof_list, name="proof-list"),
    path("organisation/<int:pk>/deliveries/<int:delivery>/", deliveries.proof_detail, name="proof"),
    path("organisation/<int:pk>/log/", subscriptions.own_log, name="own-log"),
    path("organisation/<int:pk>/log/file/", subscriptions.own_log_file, name="own-log-file"),
    path("organisation/<int:pk>/people/invite/", subscriptions.person_invite, name="person-invite"),
    path("organisation/<int:pk>/people/<int:member>/role/", subscriptions.person_role, name="person-role"),
    path("organisation/<int:pk>/people/<int:member>/end/", subscriptions.person_end, name="person-end"),
    path(
        "organisation/<int:pk>/invitations/<int:invitation>/resend/",
        subscriptions.invitation_resend,
        name="invitation-resend",
    ),
    path(
        "organisation/<int:pk>/invitations/<int:invitation>/withdraw/",
        subscriptions.invitation_withdraw,
        name="invitation-withdraw",
    ),
    path("deliveries/", deliveries.delivery_list, name="delivery-list"),
    path("deliveries/acknowledge/", deliveries.deliveries_acknowledge, name="deliveries-acknowledge"),
    path("deliveries/<int:pk>/", deliveries.delivery_detail, name="delivery-detail"),
    path("deliveries/<int:pk>/find/", deliveries.delivery_find, name="delivery-find"),
    path("deliveries/<int:pk>/file/", deliveries.delivery_file, name="delivery-file"),
    path("deliveries/<int:pk>/manifest/", deliveries.delivery_manifest, name="delivery-manifest"),
    path("deliveries/<int:pk>/acknowledge/", deliveries.delivery_acknowledge, name="delivery-acknowledge"),
]

delivery = "streams/<int:stream_id>/deliveries/<int:number>/"
api = [
    path("streams/", subscriptions_api.Streams.as_view(), name="streams"),
    path("streams/<int:stream_id>/orders/", subscriptions_api.StreamOrders.as_view(), name="stream-orders"),
    path("streams/<int:stream_id>/uploads/", subscriptions_api.StreamUploads.as_view(), name="stream-uploads"),
    path(
        "streams/<int:stream_id>/reconfirmations/", subscriptions_api.Reconfirmations.as_view(), name="reconfirmations"
    ),
    path("streams/<int:stream_id>/case-ends/", subscriptions_api.CaseEnds.as_view(), name="case-ends"),
    path("consents/", subscriptions_api.Consents.as_view(), name="consents"),
    path("consents/file/", subscriptions_api.ConsentFile.as_view(), name="consent-file"),
    path("consents/<int:consent_id>/", subscriptions_api.OneConsent.as_view(), name="consent"),
    path("consents/<int:consent_id>/withdrawal/", subscriptions_api.Withdrawal.as_view(), name="withdrawal"),
    path("reservations/", subscriptions_api.Reservations.as_view(), name="reservations"),
    path(
        "reservations/<int:reservation_id>/acknowledgement/",
        subscriptions_api.ReservationAcknowledgement.as_view(),
        name="reservation-acknowledgement",
    ),
    path("orders/", subscriptions_api.Orders.as_view(), name="orders"),
    path("orders/<int:order_id>/", subscriptions_api.OneOrder.as_view(), name="order"),
    path("orders/<int:order_id>/result/", subscriptions_api.Result.as_view(), name="order-result"),
    path("orders/<int:order_id>/confirmation/", subscriptions_api.Confirmation.as_view(), name="order-confirmation"),
    path("orders/<int:order_id>/rejection/", subscriptions_api.Rejection.as_view(), name="order-rejection"),
    path("orders/<int:order_id>/stop/", subscriptions_api.Stop.as_view(), name="order-stop"),
    path("orders/<int:order_id>/resumption/", subscriptions_api.Resumption.as_view(), name="order-resumption"),
    path("orders/<int:order_id>/abandonment/", subscriptions_api.Abandonment.as_view(), name="order-abandonment"),
    path("uploads/<int:order_id>/", subscriptions_api.OneUpload.as_view(), name="upload"),
    path("streams/<int:stream_id>/reconciliations/", deliveries_api.Reconciliations.as_view(), name="reconciliations"),
    path("reconciliations/<int:reconciliation_id>/", deliveries_api.OneReconciliation.as_view(), name="reconciliation"),
    path("reconciliations/<int:reconciliation_id>/repair/", deliveries_api.Repairing.as_view(), name="repair"),
    path("streams/<int:stream_id>/deliveries/", deliveries_api.Deliveries.as_view(), name="deliveries"),
    path(delivery, deliveries_api.OneDelivery.as_view(), name="delivery"),
    path(f"{delivery}document/", deliveries_api.Document.as_view(), name="document"),
    path(f"{delivery}manifest/", deliveries_api.Manifest.as_view(), name="manifest"),
    path("streams/<int:stream_id>/manifests/", deliveries_api.Manifests.as_view(), name="manifests"),
    path(f"{delivery}acknowledgement/", deliveries_api.Acknowledgement.as_view(), name="acknowledgement"),
    path("schema-validations/", deliveries_api.SchemaValidations.as_view(), name="schema-validations"),
    path("openapi.yaml", SpectacularYAMLAPIView.as_view(authentication_classes=[]), name="openapi"),
    path("docs/", about.api_reference, name="docs"),
]

service = [
    path("", deliveries.front, name="front"),
    path("about/", about.about, name="about"),
    path("recipients/", subscriptions.recipients, name="recipients"),
    path("technical/", about.technical, name="technical"),
    path("technical/start/", about.getting_started, name="getting-started"),
    path("technical/files/<str:name>", about.technical_file, name="file"),
    path("promises/", about.promises, name="promises"),
    path("status/", deliveries.service_status, name="status"),
    path("status.json", deliveries.status_file, name="status-file"),
    path("releases/", about.release_list, name="releases"),
    path("notices/", about.notice_list, name="notices"),
    path("notices/<int:pk>/", about.notice_detail, name="notice"),
    path("notices/<slug:language>.atom", Notices(), name="feed"),
    path("accessibility/", about.accessibility, name="accessibility"),
    path("privacy/", about.privacy, name="privacy"),
    path("contact/", about.contact, name="contact"),
]

scope = "admin/subscriptions/scope/<int:pk>/preview/"
office = [
    path("admin/", admin.site.admin_view(start), name="workplace"),
    path("admin/figures/", admin.site.admin_view(figures.page), name="figures"),
    path("admin/registers/", admin.site.admin_view(registers.index), name="registers"),
    path("admin/registers/<slug:code>/", admin.site.admin_view(registers.page), name="register"),
    path("admin/registers/<slug:code>/file/", admin.site.admin_view(registers.file), name="register-file"),
    path(
        "admin/subscriptions/agreement/<int:pk>/preview/",
        admin.site.admin_view(preview.of_agreement),
        name="preview-agreement",
    ),
    path(scope, admin.site.admin_view(preview.of_scope), name="preview-scope"),
    path(f"{scope}specimen/", admin.site.admin_view(preview.specimen_file), name="preview-specimen"),
]

urlpatterns = [
    path("", include((portal, "portal"))),
    path("service/", include((service, "service"))),
    path("healthz/live", deliveries.live, name="live"),
    path("healthz/ready", deliveries.ready, name="ready"),
    path("invitation/", subscriptions.invitation, name="invitation"),
    path("invitation/<str:token>/", subscriptions.invitation_link, name="invitation-link"),
    path("connect/", subscriptions.connect, name="connect"),
    path("connect/<uuid:token>/", subscriptions.connection_status, name="connect-status"),
    path("connect/<uuid:token>/withdraw/", subscriptions.connection_withdraw, name="connect-withdraw"),
    path("connect/<uuid:token>/message/", subscriptions.connection_message, name="connect-message"),
    path("connect/draft/<uuid:token>/", subscriptions.draft, name="connect-draft"),
    path("connect/draft/<uuid:token>/summary/", subscriptions.draft_summary, name="connect-summary"),
    path("connect/draft/<uuid:token>/later/", subscriptions.draft_later, name="connect-later"),
    path("connect/draft/<uuid:token>/throw-away/", subscriptions.draft_throw_away, name="connect-throw-away"),
    path("connect/draft/<uuid:token>/<slug:slug>/", subscriptions.draft_page, name="connect-page"),
    *office,
    path("admin/", admin.site.urls),
    path("accounts/", include("lefi.accounts.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include((api, "api"))),
    path("oauth/token/", limited_logins(noted_tokens(TokenView.as_view())), name="token"),
    path("oauth/revoke/", limited_logins(RevokeTokenView.as_view()), name="revoke-token"),
    path("docs/errors", problems.explained, name="errors"),
    path(".well-known/lefi-keys.json", schemas.signing_keys, name="signing-keys"),
    path("schema/", announced.versions, name="schema"),
    path("schema/next/diff.json", announced.diff, name="schema-next-diff"),
    path("schema/next/leverans.xsd", announced.xml_schema, name="schema-next-xsd"),
    path("schema/next/leverans.json", announced.json_schema, name="schema-next-json"),
    path("schema/next/catalogue.json", announced.catalogue_file, name="schema-next-catalogue"),
    path("schema/next/sample.xml", announced.xml_sample, name="schema-next-sample-xml"),
    path("schema/next/sample.json", announced.json_sample, name="schema-next-sample-json"),
    path("schema/leverans-1.0.xsd", schemas.xml_schema, name="schema-xsd"),
    path("schema/leverans-1.0.json", schemas.json_schema, name="schema-json"),
    path("schema/bestallning-1.0.xsd", schemas.order_schema, name="schema-order"),
    path("schema/bestallningssvar-1.0.xsd", schemas.answer_schema, name="schema-answer"),
    path("schema/catalogue.json", benefits.catalogue_file, name="schema-catalogue"),
    path("reference/", benefits.reference_index, name="reference"),
    path("reference/<slug:name>/", benefits.reference_section, name="reference-section"),
]
handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
