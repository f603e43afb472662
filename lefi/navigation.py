"""The menu of the admin: every page by the work that it belongs to, in the order in which that work comes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is no list of a model's, and the rights that open it, each by itself.

    It may stand there instead of a model's list.
    """

    url_name: str
    title: Promise
    right: str | tuple[str, ...]
    instead_of: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong to one kind of work: models by their labels, and other pages."""

    slug: str
    title: Promise
    pages: tuple[str | Page, ...] = ()


GROUPS = (
    Group(
        "customers",
        _("Customers and connection"),
        (
            "subscriptions.Connection",
            "subscriptions.Customer",
            "subscriptions.Invitation",
            "subscriptions.Agent",
            "subscriptions.ApiClient",
            "subscriptions.ApiCall",
            "oauth2_provider.Application",
            "subscriptions.Notice",
            "deliveries.SchemaValidation",
        ),
    ),
    Group(
        "law",
        _("Law and agreements"),
        (
            "subscriptions.Agreement",
            "subscriptions.Scope",
            "subscriptions.Reservation",
            "subscriptions.Block",
            "subscriptions.LegalBasis",
            "subscriptions.OwnerApproval",
            "subscriptions.LawChange",
            Page("registers", _("Registers"), "subscriptions.view_agreement"),
        ),
    ),
    Group(
        "watches",
        _("Watches and orders"),
        (
            "subscriptions.Order",
            "subscriptions.OrderLine",
            "subscriptions.Watch",
            "subscriptions.Consent",
            "subscriptions.Pending",
            "deliveries.ClosingProposal",
            "deliveries.Reconciliation",
        ),
    ),
    Group(
        "night",
        _("The night"),
        (
            Page("admin:deliveries_run_plan", _("Plan of the nights"), "deliveries.view_run"),
            "deliveries.Run",
            "deliveries.StreamRun",
            "deliveries.HeldSlice",
            "deliveries.SliceVerdict",
            "deliveries.Debt",
            "deliveries.DebtCheck",
            "deliveries.OrderedRun",
            "deliveries.NoRun",
            Page("figures", _("Figures"), "deliveries.view_run"),
        ),
    ),
    Group(
        "told",
        _("Deliveries and disclosures"),
        (
            "subscriptions.Stream",
            "deliveries.Delivery",
            "deliveries.Lag",
            "deliveries.Disclosure",
            "deliveries.StoredDecision",
            "deliveries.Fetch",
            "deliveries.HandoutRelease",
            "deliveries.SpontaneousDisclosure",
            "deliveries.Receipt",
        ),
    ),
    Group(
        "sources",
        _("Sources and imports"),
        (
            "benefits.Import",
            "benefits.Quarantined",
            "benefits.Reversal",
            "benefits.LeftAsItIs",
            "benefits.BenefitPeriod",
        ),
    ),
    Group(
        "care",
        _("Protection and review"),
        (
            Page("admin:benefits_person_search", _("Find a person"), "benefits.view_person", "benefits.Person"),
            Page(
                "admin:subscriptions_protected_queue",
                _("Persons with protected identity"),
                ("subscriptions.release_protected", "subscriptions.approve_protectedrelease"),
            ),
            "subscriptions.ProtectedRelease",
            "deliveries.PersonReport",
            "audit.AuditEvent",
            "audit.FollowUp",
            "audit.Finding",
            "deliveries.LegalHold",
            "deliveries.HoldLift",
            "deliveries.Purge",
            "deliveries.Checkpoint",
        ),
    ),
    Group(
        "system",
        _("System and accounts"),
        (
            "accounts.User",
            "auth.Group",
            "mfa.Authenticator",
            "usersessions.UserSession",
            "service.ServiceNotice",
            "deliveries.SigningKey",
            "deliveries.SchemaAnnouncement",
        ),
    ),
)
REST = Group("other", _("Other"))
# The pages that most of the staff come for, in the bar beside the menu.
SHORTCUTS = (
    "benefits.Person",
    "subscriptions.Connection",
    "subscriptions.Order",
    "deliveries.Run",
    "deliveries.Delivery",
    "benefits.Import",
)


def menu(models: Mapping[str, dict[str, Any]], *, user: Any, path: str) -> list[dict[str, Any]]:
    """The groups with what the reader may open, in the form of Django's list of apps; the page at `path` is marked.

    So is the page that `path` is below, or below the list that it stands instead of. `models` is what Django says of
    each model's list, by the model's label. One that no group names stands last.
    """
    named = {label for group in GROUPS for label in _labels(group)}
    rest = replace(REST, pages=tuple(label for label in models if label not in named))
    groups = [(group, list(_entries(group, models, user))) for group in (*GROUPS, rest)]
    every = [entry for _group, entries in groups for entry in entries]
    here = _nearest((place for entry in every for place in entry["places"]), path)
    for entry in (entry for entry in every if here in entry["places"]):
        entry["here"] = "page" if path == entry["admin_url"] else "true"
    return [_as_app(group, entries) for group, entries in groups if entries]


def shortcuts(groups: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Of a menu, the pages that most of the staff come for."""
    by_label = {entry["label"]: entry for group in groups for entry in group["models"]}
    return [by_label[label] for label in SHORTCUTS if label in by_label]


def _labels(group: Group) -> Iterator[str]:
    for one in group.pages:
        yield one.instead_of if isinstance(one, Page) else one


def _entries(group: Group, models: Mapping[str, dict[str, Any]], user: Any) -> Iterator[dict[str, Any]]:
    for one in group.pages:
        if isinstance(one, Page):
            rights = [one.right] if isinstance(one.right, str) else one.right
            if any(user.has_perm(right) for right in rights):
                url, instead = reverse(one.url_name), models.get(one.instead_of, {})
                places = [url, instead.get("admin_url") or url]
                yield {"name": one.title, "admin_url": url, "label": one.instead_of, "places": places}
        elif one in models and models[one]["admin_url"]:
            yield {**models[one], "label": one, "places": [models[one]["admin_url"]]}


def _nearest(urls: Iterator[str], path: str) -> str:
    """The address that a path is at or below; of several, the longest."""
    return max((url for url in urls if path.startswith(url)), key=len, default="")


def _as_app(group: Group, entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": group.title,
        "app_label": group.slug,
        "app_url": "",
        "has_module_perms": True,
        "models": entries,
        "here": any("here" in entry for entry in entries),
    }
