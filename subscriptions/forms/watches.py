"""What portal users fill in about watches."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Case, IntegerField, Value, When
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits import identity
from benefits.labels import benefit_name
from lefi.masking import NO_IDENTITY_NUMBER, mask_identity_numbers
from subscriptions.models import Customer, Order, Scope
from subscriptions.models.watches import WatchQuerySet
from subscriptions.references import about, to_reconfirm


class IdentityNumber(forms.CharField):
    """An identity number as people write it; 12 digits once it is clean."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"})
        super().__init__(label=_("Identity number"), max_length=20, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        try:
            return identity.parse(super().clean(value), on=timezone.localdate()).number
        except identity.IdentityError as error:
            raise forms.ValidationError(_("This is no identity number. Check the digits.")) from error


class ReferenceSought(forms.CharField):
    """A part of a reference of a case or need. A number is refused, should a browser send one all the same."""

    def __init__(self, **kwargs: Any) -> None:
        said = _("Identity numbers have a search of their own.")
        attrs = {"pattern": NO_IDENTITY_NUMBER, "title": said, "autocomplete": "off"}
        super().__init__(
            label=_("Case or need reference"), required=False, widget=forms.TextInput(attrs=attrs), **kwargs
        )

    def clean(self, value: Any) -> str:
        sought: str = super().clean(value)
        if not re.fullmatch(NO_IDENTITY_NUMBER, sought):
            raise forms.ValidationError(_("Identity numbers have a search of their own."))
        return sought


class WatchFilter(forms.Form):
    """Narrows and orders a list of watches: never by an identity number.

    All but the reference may stand in an address; `asked` is how it does.
    """

    class State:
        OPEN = "open"
        DUE = "due"
        ENDED = "ended"
        ALL = "all"

    ME, SYSTEM = "me", "system"
    ADDRESSED = ("by", "unit", "benefit", "state", "order")

    q = ReferenceSought(max_length=60)
    by = forms.ChoiceField(label=_("Ordered by"), required=False)
    unit = forms.ModelChoiceField(
        label=_("Unit"), required=False, queryset=Customer.objects.none(), empty_label=_("All")
    )
    benefit = forms.ChoiceField(label=_("Benefit"), required=False)
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            (State.OPEN, _("Open")),
            (State.DUE, _("To be confirmed")),
            (State.ENDED, _("Ended")),
            (State.ALL, _("Open and ended")),
        ],
    )
    order = forms.ChoiceField(
        label=_("Sort by"),
        required=False,
        choices=[
            ("", _("Newest first")),
            ("opened", _("Oldest first")),
            ("number", _("Identity number")),
            ("-number", _("Identity number, last first")),
            ("benefit", _("Benefit")),
            ("-benefit", _("Benefit, last first")),
            ("from", _("From")),
            ("-from", _("From, latest first")),
            ("reference", _("Reference")),
            ("-reference", _("Reference, last first")),
            ("ended", _("Ended")),
            ("-ended", _("Ended, latest first")),
        ],
    )

    def __init__(self, *args: Any, user: AbstractBaseUser | AnonymousUser, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.benefits = _agreed_benefits(user)
        units = Customer.objects.visible_to(user)
        self.fields["benefit"].choices = [("", _("All")), *self.benefits]  # type: ignore[attr-defined]
        self.fields["by"].choices = list(self._orderers())  # type: ignore[attr-defined]
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]
        if units.count() < 2:
            del self.fields["unit"]

    def _orderers(self) -> Iterator[tuple[str, Any]]:
        """Whom the watches may have been ordered by: the user, the colleagues, and systems."""
        yield "", _("All")
        yield self.ME, _("Me (my cases)")
        orders = Order.objects.visible_to(self.user).exclude(channel=Order.Channel.ADMIN)
        colleagues = get_user_model().objects.filter(pk__in=orders.order_by().values("ordered_by"))
        for user in colleagues.exclude(pk=self.user.pk or 0).order_by("first_name", "last_name", "pk"):
            yield str(user.pk), str(user)
        yield self.SYSTEM, _("A system")

    def asked(self) -> dict[str, str]:
        """What is asked for, as an address says it: without what is not understood, and without the reference."""
        self.is_valid()
        return {name: self[name].value() for name in self.ADDRESSED if self.cleaned_data.get(name)}

    def apply(self, watches: WatchQuerySet, day: date) -> WatchQuerySet:
        """The watches asked for, in the order asked for: the open ones, unless told otherwise."""
        self.is_valid()
        wanted = self.cleaned_data
        if sought := wanted.get("q"):
            watches = about(watches, sought)
        if benefit := wanted.get("benefit"):
            watches = watches.filter(benefit=benefit)
        if unit := wanted.get("unit"):
            watches = watches.of(unit)
        watches = self._of_orderer(watches, wanted.get("by", ""))
        return self._in_order(self._in_state(watches, wanted.get("state"), day), wanted.get("order") or "-opened")

    def by_age(self, watches: WatchQuerySet) -> WatchQuerySet:
        """More watches than are sorted by a column: the newest first, or the oldest if that is asked for."""
        return watches.order_by("pk" if self.cleaned_data.get("order") == "opened" else "-pk")

    def _of_orderer(self, watches: WatchQuerySet, by: str) -> WatchQuerySet:
        if not by:
            return watches
        users = {self.SYSTEM: None, self.ME: self.user.pk}
        return watches.ordered_by(users[by] if by in users else int(by))

    def _in_state(self, watches: WatchQuerySet, state: str | None, day: date) -> WatchQuerySet:
        if state == self.State.ENDED:
            return watches.exclude(ended_at=None)
        if state == self.State.DUE:
            return to_reconfirm(watches, day)
        return watches if state == self.State.ALL else watches.open()

    def _in_order(self, watches: WatchQuerySet, order: str) -> WatchQuerySet:
        """In the order of a column, a minus before it for the other way; benefits by their names."""
        column, back = order.removeprefix("-"), order.startswith("-")
        if column == "benefit":
            places = [When(benefit=code, then=Value(place)) for place, (code, _name) in enumerate(self.benefits)]
            watches = watches.annotate(place=Case(*places, default=Value(len(places)), output_field=IntegerField()))
        if column == "number":
            # Not the column itself: its index would be walked through everybody's watches to find the few.
            watches = watches.annotate(number=Concat("ordered_number", Value("")))
        if column == "reference":
            watches = watches.annotate(
                reference=Case(When(case_reference="", then="need_reference"), default="case_reference")
            )
        names = [f"-{name}" if back else name for name in (*_COLUMNS[column], "pk")]
        return watches.order_by(*names)


_COLUMNS = {
    "opened": (),
    "number": ("number",),
    "benefit": ("place",),
    "from": ("from_date",),
    "reference": ("reference",),
    "ended": ("ended_at",),
}


class FindWatches(forms.Form):
    """Finds the watches on one person; says why, because the search is logged."""

    number = IdentityNumber(help_text=_("10 or 12 digits. The watch is found by the number it was ordered by."))
    reason = forms.CharField(
        label=_("Why you search"),
        help_text=_("For example the case. It is logged together with the search."),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_reason(self) -> str:
        return mask_identity_numbers(self.cleaned_data["reason"])


def _agreed_benefits(user: AbstractBaseUser | AnonymousUser) -> list[tuple[str, str]]:
    """Codes and names of the benefits that any agreement of the user's customers covers or covered."""
    scopes = Scope.objects.filter(agreement__customer__in=Customer.objects.visible_to(user))
    codes = {code for benefits in scopes.values_list("benefits", flat=True) for code in benefits}
    return sorted(((code, benefit_name(code)) for code in codes), key=lambda choice: choice[1])
