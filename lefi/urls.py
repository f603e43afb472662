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
from lefi import problems
from subscriptions import api as subscriptions_api
from subscriptions import views as subscriptions

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

portal = [
    path("", deliveries.start, name="start"),
    path("watches/", subscriptions.watch_list, name="watch-list"),
    path("watches/find/", subscriptions.watch_find, name="watch-find"),
    path("watches/<int:pk>/number/", subscriptions.watch_number, name="watch-number"),
    path("deliveries/", deliveries.delivery_list, name="delivery-list"),
    path("deliveries/<int:pk>/", deliveries.delivery_detail, name="delivery-detail"),
    path("deliveries/<int:pk>/file/", deliveries.delivery_file, name="delivery-file"),
    path("deliveries/<int:pk>/acknowledge/", deliveries.delivery_acknowledge, name="delivery-acknowledge"),
]

delivery = "streams/<int:stream_id>/deliveries/<int:number>/"
api = [
    path("streams/", subscriptions_api.Streams.as_view(), name="streams"),
    path("streams/<int:stream_id>/orders/", subscriptions_api.StreamOrders.as_view(), name="stream-orders"),
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

urlpatterns = [
    path("", include((portal, "portal"))),
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
