"""Every door, on one page."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from deliveries import views as deliveries
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

urlpatterns = [
    path("", include((portal, "portal"))),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
