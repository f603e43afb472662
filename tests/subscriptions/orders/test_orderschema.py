"""The published schemas of orders and answers: made from the catalogue, and in agreement with the reader."""

from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from lxml import etree

from benefits.catalogue import catalogue
from subscriptions.orders.lines import KINDS, Line, OrderRefused
from subscriptions.orders.schema import ANSWER_NAMESPACE, NAMESPACE, VERSION, current_answer, current_order
from subscriptions.orders.xmlfile import read_xml

DOCS = Path(__file__).resolve().parents[3] / "docs" / "schema"
ORDER = etree.XMLSchema(etree.fromstring(current_order().encode()))
ANSWER = etree.XMLSchema(etree.fromstring(current_answer().encode()))

NAMES = [one.order_name for one in catalogue().benefits.values()]
CHOSEN = "<formansinformation><sjukpenning>1</sjukpenning><pension>0</pension></formansinformation>"
PERSON = f"<person><personnummer>195001012385</personnummer><from>2026-01-01</from>{CHOSEN}</person>"
HEAD = "<generelltfalt><organisationsnummer>2120000001</organisationsnummer></generelltfalt>"


def order(inside=PERSON, *, kind=KINDS[0], head=HEAD):
    lines = f"<{kind}>{inside}</{kind}>"
    return f'<bestallning xmlns="{NAMESPACE}">{head}<informationsfalt>{lines}</informationsfalt></bestallning>'


def holds(schema, text):
    return schema.validate(etree.fromstring(text.encode()))


def all_benefits(value):
    return "".join(f"<{name}>{value}</{name}>" for name in NAMES)


ORDERS = {
    "a person": order(),
    "several order types": order(f"{PERSON}</{KINDS[0]}><{KINDS[1]}>{PERSON}</{KINDS[1]}><{KINDS[0]}>{PERSON}"),
    "every benefit": order(PERSON.replace(CHOSEN, f"<formansinformation>{all_benefits(1)}</formansinformation>")),
    "the fields in another order": order(
        f"<person><referens>R</referens>{CHOSEN}<personnummer>1</personnummer></person>"
    ),
    "all references": order(
        PERSON.replace(
            "</from>",
            "</from><arendereferens>A</arendereferens><behovsreferens>B</behovsreferens><referens>a\n b</referens>",
        )
    ),
    "the whole stock": order("<bestand/>", kind=KINDS[2]),
    "a part of the stock": order(f"<bestand>{CHOSEN}<from>2026-01-01</from><referens>R</referens></bestand>"),
    "a unit": order(head=HEAD.replace("</generelltfalt>", "<enhet>S</enhet></generelltfalt>")),
}


@pytest.mark.parametrize("text", ORDERS.values(), ids=ORDERS)
def test_an_order_that_the_schema_lets_through_is_read(text):
    assert holds(ORDER, text)
    assert len(list(read_xml(BytesIO(text.encode())))) > 1


REFUSED = {
    "a person in no order type": order(kind="nybestallning"),
    "an unknown element": order(PERSON.replace("<from>", "<till/><from>")),
    "a number twice": order(PERSON.replace("<from>", "<personnummer>1</personnummer><from>")),
    "a benefit by another word than 1": order(PERSON.replace(">0<", ">ja<")),
    "an attribute": order(PERSON.replace("<person>", '<person id="1">')),
    "a number in the whole stock": order(PERSON.replace("person>", "bestand>")),
    "no head": order(head=""),
    "a text between elements": order(PERSON.replace("<from>", "x<from>")),
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_the_reader_refuses_the_schema_does_not_let_through(text):
    with pytest.raises(OrderRefused):
        list(read_xml(BytesIO(text.encode())))
    assert not holds(ORDER, text)


ANSWERED_LINE_BY_LINE = {
    "a day that is none": order(PERSON.replace("2026-01-01", "2026-02-30")),
    "a day with a zone": order(PERSON.replace("2026-01-01", "2026-01-01Z")),
    "a reference too long": order(PERSON.replace("</from>", f"</from><referens>{'r' * 101}</referens>")),
}


@pytest.mark.parametrize("text", ANSWERED_LINE_BY_LINE.values(), ids=ANSWERED_LINE_BY_LINE)
def test_what_is_answered_as_a_line_s_fault_the_schema_finds_beforehand(text):
    lines = [one for one in read_xml(BytesIO(text.encode())) if isinstance(one, Line)]

    assert all(line.fault for line in lines) and not holds(ORDER, text)


def answer(*, kund_status="1", benefit="<formansinformation><pension>1</pension></formansinformation>", **attributes):
    said = {"id": "7", "mottagen": "2026-11-23T17:00:00+00:00", "rader": "1", "status": "done"} | attributes
    written = " ".join(f'{name}="{value}"' for name, value in said.items())
    return (
        f'<bestallningssvar xmlns="{ANSWER_NAMESPACE}" {written}><svar kod="ACCEPTED" antal="1"/><person>'
        f'<personnummer>195001012385</personnummer><statusBestallning rad="1" kod="ACCEPTED">'
        f"<kundStatus>{kund_status}</kundStatus>{benefit}<referens>R</referens><mening>Ja.</mening>"
        "</statusBestallning></person></bestallningssvar>"
    )


def test_an_answer_names_each_line_with_its_code_and_sentence():
    assert holds(ANSWER, answer())
    assert holds(ANSWER, answer(benefit="<forman>guldtackor</forman>"))
    assert holds(ANSWER, answer().replace("<referens>R</referens>", ""))
    for name in NAMES:
        assert holds(ANSWER, answer(benefit=f"<formansinformation><{name}>1</{name}></formansinformation>"))


@pytest.mark.parametrize(
    "text",
    [
        answer(rader=""),
        answer(kund_status="ja"),
        answer(benefit=""),
        answer(benefit="<formansinformation><guld>1</guld></formansinformation>"),
        answer().replace("<mening>Ja.</mening>", ""),
        answer().replace(' rad="1"', ""),
    ],
)
def test_an_answer_without_what_it_must_say_does_not_hold(text):
    assert not holds(ANSWER, text)


def test_the_schemas_say_which_catalogue_they_are_of():
    for text in (current_order(), current_answer()):
        assert etree.fromstring(text.encode()).get("version") == f"{VERSION}+{catalogue().version}"


def test_the_files_in_docs_are_current(tmp_path):
    """If not: python manage.py schemas docs/schema."""
    call_command("schemas", tmp_path, stdout=StringIO())
    for name in ("bestallning", "bestallningssvar"):
        made = f"{name}-{VERSION}.xsd"
        assert (DOCS / made).read_text(encoding="utf-8") == (tmp_path / made).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "text"), [("bestallning", current_order()), ("bestallningssvar", current_answer())])
def test_schemas_are_public_and_may_be_kept_for_an_hour(client, db, django_assert_num_queries, name, text):
    address = f"/schema/{name}-{VERSION}.xsd"
    with django_assert_num_queries(0):
        given = client.get(address)

    assert (given.status_code, given["Content-Type"]) == (200, "application/xml; charset=utf-8")
    assert set(given["Cache-Control"].split(", ")) == {"public", "max-age=3600"}
    assert given.content.decode() == text
    assert client.post(address).status_code == 405
