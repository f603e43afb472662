"""What pages of the admin send along."""

from django import forms
from django.conf import settings
from django.contrib import admin


class LightAdmin(admin.ModelAdmin):
    """Admin pages without the scripts that make addresses out of titles: nothing here does, and they are a third of all
    that a page sends."""

    @property
    def media(self) -> forms.Media:
        jquery = "vendor/jquery/jquery.js" if settings.DEBUG else "vendor/jquery/jquery.min.js"
        scripts = (jquery, "jquery.init.js", "core.js", "admin/RelatedObjectLookups.js", "actions.js")
        return forms.Media(js=[f"admin/js/{name}" for name in scripts])
