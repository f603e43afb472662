"""What is asked when an explanation is wanted; the answer is a page about the person (deliveries.admin.persons)."""

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from subscriptions.models import Customer


class CustomerField(forms.ModelChoiceField):
    """A customer, told apart from other units of its organisation."""

    def label_from_instance(self, obj: Customer) -> str:
        return " ".join(filter(None, [obj.name, obj.organisation_number, obj.unit]))


class ExplainForm(forms.Form):
    """Which customer, and the day of the decisions."""

    customer = CustomerField(label=_("Customer"), queryset=Customer.objects.order_by("name", "unit"))
    day = forms.DateField(
        label=_("Day"),
        initial=timezone.localdate,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("The night's decisions are of the day on which it began."),
    )
