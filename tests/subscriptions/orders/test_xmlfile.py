"""Reading orders in XML: what is not named is refused, nothing dangerous is let in, and memory does not grow."""

import tracemalloc
from datetime import date
from io import BytesIO

import pytest

from subscriptions.orders import xmlfile
from subscriptions.orders.lines import KINDS, NEW, Head, Line, OrderRefused, Stock
from subscriptions.orders.xmlfile import read_xml

HEAD = "<generelltfalt><organisationsnummer>2120000001</organisationsnummer><enhet>SOC</enhet></generelltfalt>"
PERSON = (
    "<person><personnummer>195001012385</personnummer><from>2026-01-01</from>"
    "<formansinformation><sjukpenning>1</sjukpenning><bostadsbidrag>1</bostadsbidrag><pension>0</pension>"
    "</formansinformation><arendereferens>A1</arendereferens><behovsreferens>B1</behovsreferens>"
    "<referens>R1</referens></person>"
)
LINES = [
    Line(NEW, "195001012385", benefit, date(2026, 1, 1), "A1", "B1", "R1", 1)
    for benefit in ("sjukpenning", "bostadsbidrag")
]


def written(body=PERSON, *, kind=NEW, head=HEAD, root="bestallning", before=""):
    return f"{before}<{root}>{head}<informationsfalt><{kind}>{body}</{kind}></informationsfalt></{root.split()[0]}>"


def read(text):
    return list(read_xml(BytesIO(text if isinstance(text, bytes) else text.encode())))


def refusal(text):
    with pytest.raises(OrderRefused) as refused:
        read(text)
    assert "19500101" not in str(refused.value)
    return refused.value.code


def test_an_order_gives_its_head_and_a_line_for_each_person_and_benefit():
    assert read(written()) == [Head("2120000001", "SOC"), *LINES]


@pytest.mark.parametrize(
    "root", ["order", 'bestallning xmlns="urn:lefi:2"', 'x:bestallning xmlns="urn:y" xmlns:x="urn:x" x:version="1"']
)
def test_a_root_and_a_namespace_make_no_difference(root):
    assert read(written(root=root)) == read(written())


@pytest.mark.parametrize("kind", KINDS)
def test_all_three_order_types_are_read(kind):
    assert {line.kind for line in read(written(kind=kind))[1:]} == {kind}


def test_comments_instructions_and_blanks_make_no_difference():
    body = PERSON.replace("<from>", "<!-- från --><?x y?> <from>").replace("<sjukpenning>", "<!-- a --><sjukpenning>")

    assert read(written(body.replace(">195001012385<", "> 1950<!-- x -->0101<![CDATA[2385]]>\n<"))) == read(written())


def test_entities_that_every_document_has_are_read_and_line_breaks_are_blanks():
    assert read(written(PERSON.replace("R1", "a &amp;\n &#229;")))[1].reference == "a & å"


def test_several_lists_of_benefits_are_one():
    body = PERSON.replace("</sjukpenning>", "</sjukpenning></formansinformation><formansinformation>")

    assert read(written(body)) == read(written())


def test_the_head_may_come_last():
    text = f"<b>{written(head='')[len('<bestallning>') : -len('</bestallning>')]}{HEAD}</b>"

    assert read(text) == [*LINES, Head("2120000001", "SOC")]


def test_many_persons_are_read_in_their_order_and_numbered():
    body = "".join(f"<person><personnummer>{n}</personnummer></person>" for n in range(3000))

    assert [(one.number, one.row) for one in read(written(body))[1:]] == [(str(n), n + 1) for n in range(3000)]


def test_the_whole_stock_stands_in_an_element_of_its_own():
    body = "<bestand><formansinformation><sjukpenning>1</sjukpenning></formansinformation></bestand><bestand/>"

    assert read(written(body))[1:] == [Stock(NEW, ("sjukpenning",), None, row=1), Stock(NEW, (), None, row=2)]


ENCODINGS = {
    "utf-8 with its mark": ("utf-8-sig", ""),
    "utf-16": ("utf-16", '<?xml version="1.0" encoding="UTF-16"?>'),
    "latin-1": ("latin-1", '<?xml version="1.0" encoding="ISO-8859-1"?>'),
    "windows-1252": ("cp1252", '<?xml version="1.0" encoding="windows-1252"?>'),
}


@pytest.mark.parametrize(("encoding", "before"), ENCODINGS.values(), ids=ENCODINGS)
def test_an_encoding_that_is_declared_is_read(encoding, before):
    text = written(PERSON.replace("R1", "åäö"), before=before)

    assert read(text.encode(encoding))[1].reference == "åäö"


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
def test_a_doctype_is_refused_and_nothing_is_blown_up_or_fetched(before):
    assert refusal(written(PERSON.replace("195001012385", "&j;"), before=before)) == "DOCTYPE"


NOT_XML = {
    "nothing": b"",
    "json": b"{}",
    "cut off": written()[:200].encode(),
    "crossed tags": b"<a><generelltfalt></a></generelltfalt>",
    "nul": b"\x00",
    "nul in a text": written().replace("R1", "R\x00").encode(),
    "an entity": written().replace("R1", "&x;").encode(),
    "another encoding": "<a>å</a>".encode("latin-1"),
    "an encoding that is not its own": written(before='<?xml version="1.0" encoding="UTF-16"?>').encode(),
    "an encoding that is none": written(before='<?xml version="1.0" encoding="x-none"?>').encode(),
    "an encoding of several bytes": written(before='<?xml version="1.0" encoding="shift_jis"?>').encode(),
    "an encoding that is no encoding": written(before='<?xml version="1.0" encoding="zlib"?>').encode(),
    "half a surrogate pair": written().replace("R1", "&#xD800;").encode(),
    "two roots": (written() + written()).encode(),
    "a prefix that is not declared": written(root="x:bestallning").encode(),
}


@pytest.mark.parametrize("data", NOT_XML.values(), ids=NOT_XML)
def test_what_is_not_xml_is_refused(data):
    assert refusal(data) == "NOT_XML"


@pytest.mark.parametrize("head", ["", "<generelltfalt/>", HEAD.replace("2120000001", " ")])
def test_an_order_without_its_organisation_is_refused(head):
    assert refusal(written(head=head)) == "ORGANISATION_MISSING"


FORMS = {
    "a person in no order type": written(kind="nybestallning"),
    "a person in nothing": f"<b>{HEAD}{PERSON}</b>",
    "an unknown element": written(PERSON.replace("<from>", "<till/><from>")),
    "an unknown element in the head": written(head=HEAD.replace("<enhet>", "<kund/><enhet>")),
    "two heads": written(head=HEAD * 2),
    "two numbers": written(PERSON.replace("<from>", "<personnummer>1</personnummer><from>")),
    "two from-dates": written(PERSON.replace("<from>", "<from/><from>")),
    "an element in a text": written(PERSON.replace("R1", "<b/>R1")),
    "an element in a benefit": written(PERSON.replace(">0<", "><a/>0<")),
    "a benefit by another word than 1": written(PERSON.replace(">0<", ">ja<")),
    "a benefit by no word": written(PERSON.replace(">0<", "><")),
    "a text between elements": written(PERSON.replace("<from>", "x<from>")),
    "a text after all elements": written(PERSON.replace("</person>", "x</person>")),
    "an attribute": written(PERSON.replace("<person>", '<person id="1">')),
    "a number in the whole stock": written(PERSON.replace("person>", "bestand>")),
    "a control character in the head": written(head=HEAD.replace("SOC", "\x7f")),
    "a control character": written(PERSON.replace("R1", "a&#133;b")),
    "benefits without a person": written("<formansinformation/>"),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_what_may_not_stand_there_is_refused_and_never_passed_over(text):
    assert refusal(text) == "FORM"


def test_a_refusal_says_on_which_line_of_the_file():
    with pytest.raises(OrderRefused) as refused:
        read(written(f"\n\n{PERSON}\n<x/>"))
    assert refused.value.row == 4


def pieces(begin, piece, times, end=""):
    """A file of much the same, that is never whole in memory."""

    class File:
        def __init__(self):
            self.left = [begin.encode(), *[piece.encode()] * times, end.encode()]

        def read(self, _size):
            return self.left.pop(0) if self.left else b""

    return File()


START, END = (one for one in written("¤").split("¤"))
MANY = "x" * 65536
FLOODS = {
    "a text of 100 MB": (START + "<person><referens>", MANY, ""),
    "blanks of 100 MB": (START, " " * 65536, ""),
    "a tag of 100 MB": (START + "<person", " " * 65536, ""),
    "an attribute of 100 MB": (START + '<person a="', MANY, ""),
    "attributes": (START, "<person " + " ".join(f'a{n}="1"' for n in range(6000)) + ">", ""),
    "a comment of 100 MB": (START + "<!--", MANY, ""),
    "an instruction of 100 MB": (START + "<?x ", MANY, ""),
    "elements in one another": (START, "<person>" * 8192, ""),
    "unknown elements": (START, "<x/>" * 16384, ""),
    "benefits": (START + "<person><formansinformation>", "<a>1</a>" * 8192, ""),
}


@pytest.mark.parametrize(("begin", "piece", "end"), FLOODS.values(), ids=FLOODS)
def test_a_flood_is_refused_before_memory_grows(begin, piece, end):
    file = pieces(begin, piece, 1600, end)
    tracemalloc.start()
    with pytest.raises(OrderRefused, match="FORM"):
        list(read_xml(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 16 * 1024 * 1024
    assert len(file.left) > 1500


def names(count):
    return "".join(f"<a{n}>0</a{n}>" for n in range(count))


def test_names_and_prefixes_that_a_parser_would_have_to_keep_are_bounded(monkeypatch):
    monkeypatch.setattr(xmlfile, "PIECE", 1000)
    listed = "<person><formansinformation>{}</formansinformation></person>"
    declared = "".join(f'<person xmlns:p{n}="urn:x"/>' for n in range(xmlfile.MOST_PREFIXES + 1))

    assert read(written(listed.format(names(500))))
    assert refusal(written(listed.format(names(2000)))) == "FORM"
    assert refusal(written(declared)) == "FORM"
    assert read(written('<person xmlns=""/>' * 500))
