"""Every door, on one page."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularSwaggerSplitView, SpectacularYAMLAPIView
from oauth2_provider.views import RevokeTokenView, TokenView

from benefits import views as benefits
from deliveries import api as deliveries_api
from deliveries import schema_views as schemas
from deliveries import views as deliveries
from deliveries.admin import preview
from lefi import problems
from subscriptions import api as subscriptions_api
from subscriptions import views as subscriptions
from subscriptions.admin import registers

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

portal = [
    path("", deliveries.start, name="start"),
    path("watches/", subscriptions.watch_list, name="watch-list"),
    path("watches/find/", subscriptions.watch_find, name="watch-find"),
    path("watches/<int:pk>/number/", subscriptions.watch_number, name="watch-number"),
    path("watches/reconfirm/", subscriptions.watch_reconfirm, name="watch-reconfirm"),
    path("watches/cases/", subscriptions.case_list, name="case-list"),
    path("watches/cases/file/", subscriptions.case_file, name="case-file"),
    path("watches/<int:pk>/case/", subscriptions.case_end, name="case-end"),
    path("agreements/", subscriptions.agreement_list, name="agreement-list"),
    path("agreements/<int:pk>/", subscriptions.agreement_detail, name="agreement-detail"),
    path("agreements/<int:pk>/document/", subscriptions.agreement_document, name="agreement-document"),
    path("agreements/<int:pk>/pdf/", subscriptions.agreement_pdf, name="agreement-pdf"),
    path("agreements/<int:pk>/sign/", subscriptions.agreement_sign, name="agreement-sign"),
    path("notices/", subscriptions.notice_list, name="notice-list"),
    path("reservations/", subscriptions.reservation_list, name="reservation-list"),
    path("reservations/<int:pk>/acknowledge/", subscriptions.reservation_acknowledge, name="reservation-acknowledge"),
    path("unasked/", deliveries.spontaneous_list, name="spontaneous-list"),
    path("unasked/<int:pk>/", deliveries.spontaneous_detail, name="spontaneous-detail"),
    path("deliveries/", deliveries.delivery_list, name="delivery-list"),
    path("deliveries/<int:pk>/", deliveries.delivery_detail, name="delivery-detail"),
    path("deliveries/<int:pk>/file/", deliveries.delivery_file, name="delivery-file"),
    path("deliveries/<int:pk>/acknowledge/", deliveries.delivery_acknowledge, name="delivery-acknowledge"),
]

delivery = "streams/<int:stream_id>/deliveries/<int:number>/"
api = [
    path("streams/", subscriptions_api.Streams.as_view(), name="streams"),
    path("streams/<int:stream_id>/orders/", subscriptions_api.StreamOrders.as_view(), name="stream-orders"),
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
    path("streams/<int:stream_id>/deliveries/", deliveries_api.Deliveries.as_view(), name="deliveries"),
    path(delivery, deliveries_api.OneDelivery.as_view(), name="delivery"),
    path(f"{delivery}document/", deliveries_api.Document.as_view(), name="document"),
    path(f"{delivery}acknowledgement/", deliveries_api.Acknowledgement.as_view(), name="acknowledgement"),
    path("openapi.yaml", SpectacularYAMLAPIView.as_view(authentication_classes=[]), name="openapi"),
    path(
        "docs/",
        SpectacularSwaggerSplitView.as_view(
            authentication_classes=[], url_name="api:openapi", template_name="api/docs.html"
        ),
        name="docs",
    ),
]

scope = "admin/subscriptions/scope/<int:pk>/preview/"
office = [
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
    path("connect/", subscriptions.connect, name="connect"),
    path("connect/<uuid:token>/", subscriptions.connection_status, name="connect-status"),
    path("connect/<uuid:token>/withdraw/", subscriptions.connection_withdraw, name="connect-withdraw"),
    *office,
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include((api, "api"))),
    path("oauth/token/", TokenView.as_view(), name="token"),
    path("oauth/revoke/", RevokeTokenView.as_view(), name="revoke-token"),
    path("docs/errors", problems.explained, name="errors"),
    path("schema/leverans-1.0.xsd", schemas.xml_schema, name="schema-xsd"),
    path("schema/leverans-1.0.json", schemas.json_schema, name="schema-json"),
    path("schema/catalogue.json", benefits.catalogue_file, name="schema-catalogue"),
    path("reference/", benefits.reference_index, name="reference"),
    path("reference/<slug:name>/", benefits.reference_section, name="reference-section"),
]
handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
