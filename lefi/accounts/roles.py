"""The roles of Försäkringskassan's staff, and the rights of each: one table, from which the groups are made.

A right is Django's: `view`, `add`, `change`, `delete` or `approve` of a model, or one of the few under `also`. Nobody
may do with a role what the table does not name. No role both proposes a thing and approves it, and only those who need
it may read about a person: the others see lists with no more than a year of birth, or nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# What several roles look at, by what it is about. Each is a list of models.
CUSTOMERS = (
    "subscriptions.customer",
    "subscriptions.agent",
    "subscriptions.apicall",
    "subscriptions.apiclient",
    "subscriptions.stream",
    "oauth2_provider.application",
)
AGREEMENTS = (
    "subscriptions.agreement",
    "subscriptions.scope",
    "subscriptions.reservation",
    "subscriptions.block",
    "subscriptions.notice",
)
PEOPLE_OF_CUSTOMERS = (
    "subscriptions.connection",
    "subscriptions.contact",
    "subscriptions.invitation",
    "subscriptions.member",
)
LAW = ("subscriptions.legalbasis", "subscriptions.ownerapproval", "subscriptions.lawchange")
NIGHTS = (
    "benefits.import",
    "deliveries.run",
    "deliveries.streamrun",
    "deliveries.delivery",
    "deliveries.heldslice",
    "deliveries.lag",
    "deliveries.norun",
    "deliveries.debtcheck",
    "deliveries.reconciliation",
    "deliveries.schemaannouncement",
    "deliveries.schemavalidation",
    "service.servicenotice",
    "subscriptions.order",
)
MARKED_RUNS = ("benefits.reversal", "deliveries.orderedrun", "deliveries.sliceverdict")
PROOFS = (
    "deliveries.checkpoint",
    "deliveries.fetch",
    "deliveries.handoutrelease",
    "deliveries.holdlift",
    "deliveries.legalhold",
    "deliveries.purge",
    "deliveries.receipt",
    "deliveries.signingkey",
    "deliveries.storeddecision",
)
PERSONS = (
    "benefits.benefitperiod",
    "benefits.leftasitis",
    "benefits.person",
    "benefits.personnumber",
    "deliveries.closingproposal",
    "deliveries.debt",
    "deliveries.disclosure",
    "deliveries.personreport",
    "deliveries.spontaneousdisclosure",
    "subscriptions.consent",
    "subscriptions.orderline",
    "subscriptions.pending",
    "subscriptions.watch",
)
ACCOUNTS = ("accounts.user", "auth.group")
LOGS = ("audit.auditevent", "audit.finding", "audit.followup")


@dataclass(frozen=True, slots=True)
class Role:
    """A role, its two names, what it is for, and its rights: models by verb, and rights that no verb says."""

    code: str
    sv: str
    en: str
    for_sv: str
    for_en: str
    view: tuple[str, ...]
    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    rights: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rights", frozenset(_rights(self.by_verb)) | set(self.also))

    @property
    def by_verb(self) -> Mapping[str, tuple[str, ...]]:
        return {
            "view": self.view,
            "add": self.add,
            "change": self.change,
            "delete": self.delete,
            "approve": self.approve,
        }


def _rights(by_verb: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for verb, models in by_verb.items():
        for model in models:
            app, _, name = model.partition(".")
            yield f"{app}.{verb}_{name}"


OFFICER = Role(
    "connection_officer",
    "anslutningshandläggare",
    "connection officer",
    for_sv="Prövar ansökningar, skriver avtal med kunderna och håller deras uppgifter i ordning.",
    for_en="Examines applications, writes agreements with customers and keeps what is known of them in order.",
    view=(
        *CUSTOMERS,
        *AGREEMENTS,
        *PEOPLE_OF_CUSTOMERS,
        *LAW,
        *NIGHTS,
        "accounts.user",
        "deliveries.handoutrelease",
        "subscriptions.orderline",
    ),
    add=(
        "deliveries.handoutrelease",
        "subscriptions.agent",
        "subscriptions.apiclient",
        "subscriptions.block",
        "subscriptions.contact",
        "subscriptions.customer",
        "subscriptions.invitation",
        "subscriptions.member",
        "subscriptions.order",
        "subscriptions.reservation",
        "subscriptions.scope",
        "subscriptions.stream",
    ),
    change=(
        "subscriptions.agent",
        "subscriptions.agreement",
        "subscriptions.apiclient",
        "subscriptions.connection",
        "subscriptions.contact",
        "subscriptions.customer",
        "subscriptions.member",
        "subscriptions.reservation",
    ),
    delete=("subscriptions.apiclient", "subscriptions.contact", "subscriptions.member"),
    also=("subscriptions.stop_customer",),
)
APPROVER = Role(
    "approver",
    "godkännare",
    "approver",
    for_sv="Den andra av två: godkänner det som andra har förberett, eller kastar det. Förbereder ingenting.",
    for_en="The second of two: approves what others have prepared, or drops it. Prepares nothing.",
    view=(
        *CUSTOMERS,
        *AGREEMENTS,
        *LAW,
        *NIGHTS,
        *MARKED_RUNS,
        "benefits.person",
        "deliveries.handoutrelease",
        "deliveries.holdlift",
        "deliveries.legalhold",
        "deliveries.personreport",
        "deliveries.spontaneousdisclosure",
        "deliveries.storeddecision",
        "subscriptions.connection",
        "subscriptions.consent",
        "subscriptions.watch",
    ),
    change=("subscriptions.block",),
    approve=(
        "benefits.reversal",
        "deliveries.handoutrelease",
        "deliveries.holdlift",
        "deliveries.orderedrun",
        "deliveries.personreport",
        "deliveries.schemaannouncement",
        "deliveries.sliceverdict",
        "deliveries.spontaneousdisclosure",
        "subscriptions.agreement",
        "subscriptions.consent",
        "subscriptions.legalbasis",
        "subscriptions.ownerapproval",
        "subscriptions.protectedrelease",
        "subscriptions.scope",
    ),
    also=(
        "benefits.view_protected",
        "deliveries.release_run",
        "subscriptions.add_invitation",  # of a customer's first administrator, with the approval of the agreement
        "subscriptions.stop_customer",
    ),
)
OPERATOR = Role(
    "operator",
    "driftansvarig",
    "operator",
    for_sv="Ser till att nätterna går: körningar, importer, stopp, skulder och scheman. Läser inte om personer.",
    for_en="Sees to it that the nights run: runs, imports, holds, debts and schemas. Reads about no person.",
    view=(
        *CUSTOMERS,
        *AGREEMENTS,
        *LAW,
        *NIGHTS,
        *MARKED_RUNS,
        "accounts.user",
        "benefits.leftasitis",
        "benefits.quarantined",
        "deliveries.checkpoint",
        "deliveries.debt",
        "deliveries.fetch",
        "deliveries.purge",
        "deliveries.receipt",
        "deliveries.signingkey",
        "mfa.authenticator",
        "subscriptions.pending",
        "usersessions.usersession",
    ),
    add=(
        *MARKED_RUNS,
        "deliveries.norun",
        "deliveries.schemaannouncement",
        "service.servicenotice",
        "subscriptions.block",
    ),
    change=(
        "deliveries.norun",
        "deliveries.run",
        "deliveries.schemaannouncement",
        "service.servicenotice",
        "subscriptions.order",
    ),
    delete=("deliveries.norun", "mfa.authenticator", "usersessions.usersession"),
)
LAWYER = Role(
    "lawyer",
    "jurist",
    "lawyer",
    for_sv="Håller rättsliga grunder, prövar sekretess och svarar på vem som fick veta vad, och varför.",
    for_en="Keeps the legal bases, examines secrecy and answers who was told what, and why.",
    view=(
        *CUSTOMERS,
        *AGREEMENTS,
        *LAW,
        *NIGHTS,
        *PERSONS,
        "deliveries.holdlift",
        "deliveries.legalhold",
        "deliveries.storeddecision",
        "subscriptions.connection",
    ),
    add=(
        "deliveries.holdlift",
        "deliveries.legalhold",
        "deliveries.spontaneousdisclosure",
        "subscriptions.block",
        "subscriptions.consent",
        "subscriptions.legalbasis",
        "subscriptions.ownerapproval",
        "subscriptions.reservation",
    ),
    change=(
        "deliveries.closingproposal",
        "subscriptions.consent",
        "subscriptions.ownerapproval",
        "subscriptions.reservation",
    ),
    also=("benefits.view_protected", "deliveries.replay_disclosure", "subscriptions.release_protected"),
)
DATA_PROTECTION = Role(
    "data_protection_officer",
    "dataskyddsombud",
    "data protection officer",
    for_sv="Följer upp läsloggen, svarar personer som frågar om sig själva och vakar över gallringen.",
    for_en="Follows up the log of reads, answers persons who ask about themselves and watches over erasure.",
    view=(
        *CUSTOMERS,
        *AGREEMENTS,
        *LAW,
        *NIGHTS,
        *PERSONS,
        *PROOFS,
        *ACCOUNTS,
        *LOGS,
    ),
    add=("audit.signoff", "deliveries.holdlift", "deliveries.legalhold", "deliveries.personreport"),
    change=("deliveries.personreport",),
    also=("benefits.view_protected", "deliveries.replay_disclosure"),
)
SUPPORT = Role(
    "support",
    "support",
    "support",
    for_sv="Hjälper kunderna med det tekniska. Ser inga personuppgifter alls.",
    for_en="Helps customers with what is technical. Sees no personal data at all.",
    view=(
        *CUSTOMERS,
        *NIGHTS,
        "subscriptions.legalbasis",
        "subscriptions.ownerapproval",
        "subscriptions.scope",
    ),
)
AUDITOR = Role(
    "auditor",
    "granskare",
    "auditor",
    for_sv="Läser alla loggar, och ändrar ingenting. Öppnar ingen person.",
    for_en="Reads all logs, and changes nothing. Opens no person.",
    view=(
        *CUSTOMERS,
        *AGREEMENTS,
        *LAW,
        *NIGHTS,
        *MARKED_RUNS,
        *PROOFS,
        *ACCOUNTS,
        *LOGS,
        "deliveries.disclosure",
    ),
)
ROLES = (OFFICER, APPROVER, OPERATOR, LAWYER, DATA_PROTECTION, SUPPORT, AUDITOR)
BY_CODE: Mapping[str, Role] = {role.code: role for role in ROLES}


def name_of(code: str, language: str) -> str:
    """What a role is called in a language; any other group is called what it is called."""
    role = BY_CODE.get(code)
    return code if role is None else role.en if language == "en" else role.sv


def purpose_of(code: str, language: str) -> str:
    """What a role is for, in a language; nothing of a group that is no role."""
    role = BY_CODE.get(code)
    return "" if role is None else role.for_en if language == "en" else role.for_sv
