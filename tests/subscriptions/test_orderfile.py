"""Reading orders in XML and JSON: one reading of both, and nothing dangerous let in."""

import io
from datetime import date

import pytest

from subscriptions import orderfile
from subscriptions.orderfile import Line, OrderRefused, read_json, read_xml

HEAD = "<generelltfalt><organisationsnummer>2120000001</organisationsnummer><enhet>SOC</enhet></generelltfalt>"
PERSON = (
    "<person><personnummer>195001012385</personnummer><from>2026-01-01</from>"
    "<formansinformation><sjukpenning>1</sjukpenning><bostadsbidrag>1</bostadsbidrag><pension>0</pension>"
    "</formansinformation><arendereferens>A1</arendereferens><behovsreferens>B1</behovsreferens>"
    "<referens>R1</referens></person>"
)
JSON = {
    "organisationsnummer": "2120000001",
    "enhet": "SOC",
    "rader": [
        {
            "typ": "nybestallningBevakning",
            "personnummer": "195001012385",
            "from": "2026-01-01",
            "formaner": ["sjukpenning", "bostadsbidrag"],
            "arendereferens": "A1",
            "behovsreferens": "B1",
            "referens": "R1",
        }
    ],
}


def xml(body=PERSON, *, kind="nybestallningBevakning", head=HEAD, root="bestallning", before=""):
    text = f"{before}<{root}>{head}<informationsfalt><{kind}>{body}</{kind}></informationsfalt></{root.split()[0]}>"
    return read_xml(io.BytesIO(text.encode()))


def refused(code, call, *args, **kwargs):
    with pytest.raises(OrderRefused) as refusal:
        call(*args, **kwargs)
    assert refusal.value.code == code
    assert "19500101" not in str(refusal.value)


def test_an_order_in_xml_gives_a_line_for_each_person_and_benefit():
    order = xml()

    assert (order.organisation_number, order.unit) == ("2120000001", "SOC")
    assert order.lines == [
        Line("nybestallningBevakning", "195001012385", benefit, date(2026, 1, 1), "A1", "B1", "R1")
        for benefit in ("sjukpenning", "bostadsbidrag")
    ]


def test_the_same_order_in_json_gives_the_same_lines():
    assert read_json(JSON) == xml()


@pytest.mark.parametrize("root", ["bestallning", 'bestallning xmlns="urn:lefi:2"'], ids=["none", "some"])
def test_a_namespace_makes_no_difference(root):
    assert xml(root=root) == xml()


@pytest.mark.parametrize("kind", orderfile.KINDS)
def test_all_three_order_types_are_read(kind):
    assert {line.kind for line in xml(kind=kind).lines} == {kind}


def test_comments_instructions_and_blanks_make_no_difference():
    body = PERSON.replace("<from>", "<!-- från --><?x y?> <from>").replace("<sjukpenning>", "<!-- a --><sjukpenning>")

    assert xml(body.replace(">195001012385<", "> 195001012385\n<")) == xml()


def test_several_lists_of_benefits_are_one():
    body = PERSON.replace("</sjukpenning>", "</sjukpenning></formansinformation><formansinformation>")

    assert xml(body) == xml()


def test_many_persons_are_read_in_their_order():
    numbers = [str(n) for n in range(1000)]
    body = "".join(f"<person><personnummer>{n}</personnummer></person>" for n in numbers)

    assert [line.number for line in xml(body).lines] == numbers


@pytest.mark.parametrize(
    ("text", "day"), [("2026-01-01", date(2026, 1, 1)), ("", None), ("2026-02-30", None), ("igår", None)]
)
def test_a_from_date_that_is_no_day_is_none_and_answered_line_by_line(text, day):
    assert xml(PERSON.replace("2026-01-01", text)).lines[0].from_date == day


def test_a_person_without_a_benefit_is_a_line_all_the_same_so_that_it_is_answered():
    assert [line.benefit for line in xml("<person><personnummer>1</personnummer></person>").lines] == [""]
    row = JSON["rader"][0] | {"formaner": []}
    assert [line.benefit for line in read_json(JSON | {"rader": [row]}).lines] == [""]


BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE bestallning>",
        '<!DOCTYPE bestallning SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE bestallning [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        BOMB + "]>",
    ],
    ids=["empty", "from the net", "with a file", "bomb"],
)
def test_a_doctype_is_refused(before):
    refused("DOCTYPE", xml, before=before)


def test_an_entity_bomb_is_never_blown_up():
    body = PERSON.replace("195001012385", "&j;")

    with pytest.raises(OrderRefused) as refusal:
        xml(body, before=BOMB + "]>")
    assert refusal.value.code in ("DOCTYPE", "NOT_XML")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"<a>", b"<a></b>", b"\x00", b"<a>&x;</a>", "<a>å</a>".encode("latin-1"), b"<a/><b/>"]
)
def test_what_is_not_xml_is_refused(data):
    refused("NOT_XML", read_xml, io.BytesIO(data))


def test_an_order_without_lines_is_refused():
    refused("EMPTY", xml, "")
    refused("EMPTY", read_json, JSON | {"rader": []})


def test_an_order_without_its_organisation_is_refused():
    refused("ORGANISATION_MISSING", xml, head="")


@pytest.mark.parametrize("kind", ["nybestallning", "informationsfalt"])
def test_a_person_in_no_order_type_is_refused_and_never_passed_over(kind):
    refused("FORM", xml, kind=kind)


FORMS = {
    "a list": [],
    "no rows": {},
    "rows that are no list": {"rader": {}},
    "a row that is no object": {"rader": ["x"]},
    "an unknown type": {"rader": [{"typ": "nybestallning", "formaner": []}]},
    "no benefits": {"rader": [{"typ": "nybestallningBevakning"}]},
    "benefits that are no list": {"rader": [{"typ": "nybestallningBevakning", "formaner": "sjukpenning"}]},
    "a character of no document": {"rader": [JSON["rader"][0] | {"referens": "a\x00"}]},
    "half a surrogate pair": {"rader": [JSON["rader"][0] | {"formaner": ["\ud800"]}]},
}


@pytest.mark.parametrize("said", FORMS.values(), ids=FORMS)
def test_json_of_another_form_is_refused(said):
    refused("FORM", read_json, said)


def test_an_order_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(orderfile, "MOST_LINES", 1)

    refused("TOO_MANY_LINES", xml)
    refused("TOO_MANY_LINES", read_json, JSON | {"rader": JSON["rader"] * 2})


def test_what_is_longer_than_the_register_holds_is_cut():
    line = read_json({"rader": [JSON["rader"][0] | {"personnummer": "1" * 99, "referens": "r" * 999}]}).lines[0]

    assert (len(line.number), len(line.reference)) == (20, 100)
