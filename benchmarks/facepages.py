"""Which pages there are, found as people find them: by the links and the forms of the pages before.

Of each list of the admin: its first page, the one in the middle and the last, each choice of each filter, each column
that sorts, both ways, and searches that find much, little and nothing; rows of it, among them the one with most to
show; and the lists that those rows lead to. Of the portal and of what is open to all, each kind of page that a link
leads to, with every choice of its forms, for one of each role.
"""

import gzip
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone

from benchmarks.facescene.shared import COLLEAGUE, FIRST_MEMBER, OF_MANY, PATTERNS, SUPERUSER
from benefits.models import Person, PersonNumber
from lefi.accounts.models import User
from lefi.accounts.roles import ROLES
from lefi.audit.reasons import KEY, open_person

HEADERS: dict[str, Any] = {"HTTP_ACCEPT_ENCODING": "gzip", "HTTP_ACCEPT_LANGUAGE": "sv", "SERVER_NAME": "localhost"}
REASON = "Ärende 2026-17"
# Much, little and nothing, by the columns that there are to search.
SOUGHT = ("bolaget 17", "lind", "finns-inte")
ROWS = 1  # of each list, beside the one of most
MOST_CHOICES = 6  # of one field or filter
MOST_ALIKE = 2  # pages of one view whose addresses ask for the same fields
LINK = re.compile(r'href="([^"#]+)"')
FIELD = re.compile(r'<select[^>]*name="([a-z_]+)".*?</select>', re.S)
OPTION = re.compile(r'<option value="([^"]*)"')
TOKEN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
FILES = re.compile(
    r"/(file|pdf|manifest|example|document|result|logout|static|i18n)\b|\.(xsd|json|yaml|atom|xml)$|/files/"
)


@dataclass(frozen=True, slots=True)
class Face:
    """A page as somebody asks for it. Its name is the same at every scale."""

    name: str
    who: str
    address: str
    data: dict[str, Any] | None = None  # posted, if there are any

    @property
    def title(self) -> str:
        return f"{self.name} · {self.who}"


@dataclass
class People:
    """A browser for each of those who look, logged in, with a reason for reading about the persons that they open."""

    clients: dict[str, Client] = field(default_factory=dict)

    def add(self, who: str, user: int | None) -> None:
        client = Client(**HEADERS)
        if user is not None:
            client.force_login(User.objects.get(pk=user), settings.AUTHENTICATION_BACKENDS[0])
        self.clients[who] = client

    def say_why(self, who: str, person: int, days: int = 1) -> str:
        """Open a person for as long as the measuring may last; return the token."""
        session = self.clients[who].session
        at = timezone.now() + timedelta(days=days)
        token = open_person(session, person_id=person, reason=REASON, at=at)
        session.save()
        return str(token)

    def opened(self, who: str) -> set[int]:
        return {one[0] for one in self.clients[who].session.get(KEY, {}).values()}

    def get(self, who: str, address: str) -> tuple[int, str]:
        """The page, once there is a reason to read it if it wants one."""
        client = self.clients[who]
        response = client.get(address)
        asked = re.search(r"/benefits/person/(\d+)/change/", response.headers.get("Location", ""))
        if asked and int(asked[1]) not in self.opened(who):
            self.say_why(who, int(asked[1]))
            response = client.get(address)
        if response.streaming or not response.headers.get("Content-Type", "").startswith("text/html"):
            return 0, ""
        return response.status_code, _text(response)


def _text(response: Any) -> str:
    body = response.content
    return (gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body).decode()


PREFERRED = ("data_protection_officer", "lawyer", "operator", "connection_officer", "approver", "auditor", "support")
MEMBERS = {
    "administrator, large": FIRST_MEMBER,
    "auditor, large": FIRST_MEMBER + 2,
    "case worker, large": COLLEAGUE + 40,
    "administrator, small": FIRST_MEMBER + 10,
    "case worker, middling": FIRST_MEMBER + 10 * 299 + 5,
    "administrator, of many": OF_MANY,
}
VISITOR = "visitor"


def people() -> People:
    found = People()
    for place, role in enumerate(ROLES, start=1):
        found.add(role.code, place)
    found.add("superuser", SUPERUSER)
    for who, user in MEMBERS.items():
        found.add(who, user)
    found.add(VISITOR, None)
    return found


def every_face(found: People) -> list[Face]:
    """All pages, each once."""
    faces: dict[str, Face] = {}
    for one in (*_office(found), *_lists(found), *_of_a_person(found), *_walks(found), *_posts(found)):
        faces.setdefault(one.title, one)
    return list(faces.values())


def _office(found: People) -> Iterator[Face]:
    for who in [role.code for role in ROLES]:
        yield Face("admin: start", who, reverse("workplace"))
    for name in ("figures", "registers"):
        yield Face(f"admin: {name}", "superuser", reverse(name))
    for code in re.findall(r'href="/admin/registers/([\w-]+)/"', found.get("superuser", reverse("registers"))[1]):
        yield Face(f"admin: register {code}", "superuser", reverse("register", args=[code]))
    queue = reverse("admin:subscriptions_protected_queue")
    yield from _with_pages(found, "admin: protected queue", "lawyer", queue, "page")


def _lists(found: People) -> Iterator[Face]:
    narrowed: dict[str, Face] = {}
    for model, page in admin.site._registry.items():
        if model is Person:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"{name}_changelist")
        who = next(one for one in (*PREFERRED, "superuser") if found.clients[one].get(address).status_code == 200)
        text = found.get(who, address)[1]
        yield from _list(found, f"{name} list", who, address, text, bool(page.search_fields))
        rows = () if model is UserSession else _details(found, name, who, address, text)  # those that are open change
        for face, inside in rows:
            yield face
            for link in _links(inside, address):
                parts = urlsplit(link)
                asked = dict(parse_qsl(parts.query))
                view = _view(parts.path)
                if parts.path.startswith("/admin/") and asked and view.endswith("_changelist") and "next" not in asked:
                    what = f"{view.removesuffix('_changelist')} list by {', '.join(asked)}"
                    label = f"{what}, {face.name.rpartition(', ')[2]}"
                    narrowed.setdefault(label, Face(label, who, link))
    for face in narrowed.values():
        if found.get(face.who, face.address)[0] == 200:
            yield face


def _list(found: People, name: str, who: str, address: str, text: str, searched: bool) -> Iterator[Face]:
    yield from _with_pages(found, name, who, address, "p")
    alike = Counter[frozenset[str]]()
    for link in dict.fromkeys(unescape(one) for one in LINK.findall(text) if one.startswith("?")):
        asked = dict(parse_qsl(link[1:], keep_blank_values=True))
        alike[frozenset(asked)] += 1
        if "p" in asked or not asked or (alike[frozenset(asked)] > MOST_CHOICES and "o" not in asked):
            continue
        if set(asked) == {"o"}:
            column = asked["o"].partition(".")[0].lstrip("-")
            for way in ("", "-") if column else ():
                yield Face(f"{name}, sorted {way}{column}", who, f"{address}?o={way}{column}")
        else:
            yield Face(f"{name}, filter {_said(asked)}", who, address + link)
    if searched:
        for sought in SOUGHT:
            yield Face(f"{name}, search {sought}", who, f"{address}?{urlencode({'q': sought})}")


def _said(asked: dict[str, str]) -> str:
    return " ".join(f"{key}={TOKEN.sub('…', value)}" for key, value in asked.items())


def _with_pages(found: People, name: str, who: str, address: str, parameter: str) -> Iterator[Face]:
    """The first page, the one in the middle, the last, and where the list goes on below that."""
    yield Face(name, who, address)
    text = found.get(who, address)[1]
    last = max((int(one) for one in re.findall(rf"[?&;]{parameter}=(\d+)", text)), default=1)
    if last > 1:
        join = "&" if "?" in address else "?"
        for label, number in (("middle page", (last + 1) // 2), ("last page", last)):
            yield Face(f"{name}, {label}", who, f"{address}{join}{parameter}={number}")
        below = re.search(r'href="(\?[^"]*before=\d+[^"]*)"', found.get(who, f"{address}{join}{parameter}={last}")[1])
        if below:
            yield Face(f"{name}, below the last page", who, address + unescape(below[1]))


def _details(found: People, name: str, who: str, address: str, text: str) -> Iterator[tuple[Face, str]]:
    """The page of the row with most to show, of the newest ones, and the pages of the steps that can be taken there."""
    rows = dict.fromkeys(re.findall(rf'href="({re.escape(address)}(\d+)/change/)', text))
    for place, link in enumerate([f"{address}1/change/", *(one for one, _ in list(rows)[:ROWS])]):
        status, inside = found.get(who, link)
        if status == 200:
            face = Face(f"{name} page, {('of most', 'newest')[place]}", who, link)
            yield face, inside
            steps = re.findall(rf'href="({re.escape(link.removesuffix("change/"))}\w+/)"', inside)
            for step in dict.fromkeys(steps) if place == 0 else ():
                name_of_step = step.rstrip("/").rpartition("/")[2]
                if name_of_step not in ("change", "delete", "history") and found.get(who, step)[0] == 200:
                    yield Face(f"{name} {name_of_step}, of most", who, step), ""


def _of_a_person(found: People) -> Iterator[Face]:
    """The page of the person whom all watch, and of one like most."""
    for label, person in (("of most", 1), ("of most people", PATTERNS + 7)):
        for who in ("lawyer", "data_protection_officer"):
            token = found.say_why(who, person)
            page = reverse("admin:benefits_person_page", args=[token])
            yield Face(f"admin: person, {label}", who, page)
            for span in re.findall(r'href="\?span=(\w+)"', found.get(who, page)[1]):
                yield Face(f"admin: person, {label}, span {span}", who, f"{page}?span={span}")
            numbers = reverse("admin:benefits_person_numbers", args=[token])
            yield Face(f"admin: person with numbers, {label}", who, numbers, {"x": "1"})
            asked = {"customer": "1", "day": timezone.localdate().isoformat()}
            explain = reverse("admin:benefits_person_explain", args=[token])
            yield Face(f"admin: explain, {label}", who, explain, asked)
            yield Face(
                f"admin: person, {label}, asked why", who, reverse("admin:benefits_person_change", args=[person])
            )
            number = PersonNumber.objects.live().get(person=person, current=True).number
            yield Face(
                f"admin: person search, {label}",
                who,
                reverse("admin:benefits_person_search"),
                {"number": number, "reason": REASON},
            )


def _walks(found: People) -> Iterator[Face]:
    for who in (*MEMBERS, VISITOR):
        yield from _walk(found, who, [reverse("service:front")] if who == VISITOR else [reverse("portal:start")])


def _walk(found: People, who: str, starts: list[str]) -> Iterator[Face]:
    """One page of each kind that links lead to, and all choices of its forms."""
    waiting, seen = deque(starts), Counter[str]()
    while waiting:
        address = waiting.popleft()
        parts = urlsplit(address)
        view, asked = _view(parts.path), dict(parse_qsl(parts.query))
        kind = f"{view} {' '.join(asked)}".strip()
        mine = view.startswith("portal:") or who == VISITOR
        if not mine or "page" in asked or seen[kind] >= (MOST_ALIKE if asked else 1) or FILES.search(parts.path):
            continue
        seen[kind] += 1
        status, text = found.get(who, address)
        if status != 200:
            continue
        name = f"portal: {kind}" if seen[kind] == 1 else f"portal: {kind}, {seen[kind]}"
        if asked:
            yield Face(name, who, address)
            continue
        yield from _with_pages(found, name, who, address, "page")
        for field_name, inside in ((one[1], one[0]) for one in FIELD.finditer(text)):
            for value in list(dict.fromkeys(OPTION.findall(inside)))[:MOST_CHOICES]:
                if view.endswith(("-list", "-log")) and value:
                    query = urlencode({field_name: unescape(value)})
                    label = re.sub(r"=\d+$", "=n", query)
                    yield Face(f"portal: {view}, {label}", who, f"{parts.path}?{query}")
        waiting.extend(_links(text, address))


def _posts(found: People) -> Iterator[Face]:
    """What is posted because no address may hold it, and where that leads."""
    for who in ("case worker, large", "administrator, small"):
        number = PersonNumber.objects.live().get(person=1, current=True).number
        find = reverse("portal:watch-find")
        yield Face("portal: find watches by number", who, find, {"number": number, "reason": REASON})
        for label, sought in (("case", "DNR-17"), ("nothing", "finns-inte")):
            listed = reverse("portal:watch-list")
            yield Face(f"portal: find watches by {label}", who, listed, {"q": sought, "state": "all"})
            led = found.clients[who].post(listed, {"q": sought, "state": "all"}).headers["Location"]
            yield Face(f"portal: watches by {label}", who, led)


def _links(text: str, base: str) -> list[str]:
    found = (urljoin(base, unescape(one)) for one in LINK.findall(text))
    return list(dict.fromkeys(one for one in found if one.startswith("/")))


def _view(path: str) -> str:
    try:
        return resolve(path).view_name or ""
    except Resolver404:
        return ""
