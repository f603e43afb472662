"""Who is in the demo: the customers, what each has agreed on, and the people and systems that log in.

Names, organisation numbers and agreements are made up, also where a legal basis speaks of one agency alone.
"""

from dataclasses import dataclass

from lefi.accounts.roles import APPROVER, AUDITOR, DATA_PROTECTION, LAWYER, OFFICER, OPERATOR, SUPPORT, Role
from subscriptions.models import Member, Stream

API, PORTAL = Stream.Channel.API, Stream.Channel.PORTAL
ADMINISTRATOR = Member.Role.ADMINISTRATOR


@dataclass(frozen=True, slots=True)
class Part:
    """What a customer subscribes to for one purpose: the basis it rests on, the channels, and the benefits."""

    basis: str
    benefits: tuple[str, ...]
    channels: tuple[Stream.Channel, ...] = (API,)
    share: int = 1  # one of so many of the customer's persons is watched under it
    fetches: int = 99  # until which night, if not as long as the customer's other deliveries


@dataclass(frozen=True, slots=True)
class Organisation:
    """A customer. `order_form` is how its system writes orders; `fetches` and `acknowledges` say until which night."""

    code: str
    name: str
    kind: str
    organisation_number: str
    parts: tuple[Part, ...]
    unit: str = ""
    order_form: str = "json"
    fetches: int = 99
    acknowledges: int = 99


ORGANISATIONS = (
    Organisation(
        "TRYGG",
        "Exempelbolaget Försäkring",
        "forsakringsbolag",
        "5590000013",
        (
            Part("INS-SAM", ("FK:SJP", "FK:SA", "FK:RBE", "PM:AP")),
            Part("INS-SKADE", ("FK:SJP", "FK:SA"), share=8, fetches=4),
        ),
        order_form="xml",
    ),
    Organisation(
        "SOC",
        "Exempelkommun, socialnämnden",
        "socialnamnd",
        "2129000010",
        (Part("KOM-SOC", ("FK:BOB", "FK:ABB", "FK:FP", "PM:BTI"), channels=(PORTAL, API)),),
        unit="SOC",
        acknowledges=6,
    ),
    Organisation(
        "CSN",
        "Centrala studiestödsnämnden (demo)",
        "csn",
        "2029000029",
        (Part("CSN-1", ("FK:SJP", "FK:AS", "FK:SA")),),
        order_form="csv",
        acknowledges=4,
    ),
    Organisation(
        "KFM",
        "Kronofogden (demo)",
        "kronofogden",
        "2029000037",
        (Part("STAT-3", ("FK:SJP", "FK:SA", "FK:FP"), share=2),),
        order_form="xml",
        fetches=3,
        acknowledges=2,
    ),
    Organisation(
        "AKASSA",
        "Exempelkassan, a-kassa",
        "arbetsloshetskassa",
        "8029000042",
        (Part("AKASSA", ("FK:SJP", "FK:FP", "PM:AP")),),
        order_form="jsonl",
        fetches=6,
        acknowledges=5,
    ),
)
# A neighbour that has been sent its agreement and not signed it, and one whose application waits to be examined.
APPLICANT = Organisation(
    "GRANN",
    "Grannkommun, socialnämnden",
    "socialnamnd",
    "2129000028",
    (Part("KOM-SOC", ("FK:BOB", "FK:ABB"), channels=(PORTAL,)),),
    unit="SOC",
)
WAITING = Organisation(
    "NYTT",
    "Nya Exempelbolaget Försäkring",
    "forsakringsbolag",
    "5590000039",
    (Part("INS-SAM", ("FK:SJP", "FK:SA")),),
)


@dataclass(frozen=True, slots=True)
class Login:
    """One of the staff, with their roles or with every right there is; or a member of a customer, with a role there."""

    username: str
    name: tuple[str, str]
    what: str
    customer: str = ""
    role: str = ""
    roles: tuple[Role, ...] = ()


LOGINS = (
    Login("admin", ("Stina", "Berg"), "Försäkringskassan: everything in the admin"),
    Login("jurist", ("Olle", "Lind"), "Försäkringskassan: lawyer, and approves", roles=(LAWYER, APPROVER)),
    Login("anslutning", ("Lena", "Dahl"), "Försäkringskassan: connection officer", roles=(OFFICER,)),
    Login("godkannare", ("Per", "Nord"), "Försäkringskassan: approver", roles=(APPROVER,)),
    Login("drift", ("Amir", "Sand"), "Försäkringskassan: operator", roles=(OPERATOR,)),
    Login("dataskydd", ("Maj", "Holm"), "Försäkringskassan: data protection officer", roles=(DATA_PROTECTION,)),
    Login("support", ("Ida", "Lund"), "Försäkringskassan: support, no personal data", roles=(SUPPORT,)),
    Login("granskare", ("Tor", "Vik"), "Försäkringskassan: auditor", roles=(AUDITOR,)),
    Login("handlaggare", ("Karin", "Ek"), "social welfare board: case worker", "SOC", Member.Role.CASE_WORKER),
    Login("integration", ("Ali", "Holm"), "social welfare board: files as well", "SOC", Member.Role.INTEGRATION),
    Login("chef", ("Rut", "Lager"), "social welfare board: keeps its people and systems", "SOC", ADMINISTRATOR),
    Login("kontroll", ("Bo", "Ståhl"), "social welfare board: its auditor", "SOC", Member.Role.AUDITOR),
    Login("firmatecknare", ("Eva", "Al"), "neighbour's board: has an agreement to sign", "GRANN", ADMINISTRATOR),
)
