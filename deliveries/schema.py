"""PURE: the XSD of deliveries, made from the catalogue. Published at a stable address, with its version.

`person`, `informationstyp`, `personnummer`, `statusBestallning`, `kundStatus`, `formansinformation`, `generelltfalt`,
`organisationsnummer` and `informationsfalt` are the service's own names, and an item is named and built as in the
contract. Everything else is our choice: the service's own schema is not public.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from xml.sax.saxutils import quoteattr

from benefits.catalogue import Catalogue, Field, catalogue

VERSION = "1.0"
NAMESPACE = "urn:lefi:prenumeration:leverans:1"
# kundStatus: what has become of a watch (the service's own list of codes is not public; this one is ours).
ACTIVE, NOT_AUTHORISED, ENDED = "1", "2", "3"
# tillstand of a source: beside the contract's three, that it has not sent what it should have.
SILENT = "UTEBLIVEN"
# slag: of a document outside every stream, told of our own accord; its lopnummer, korning and bevakning are 0.
SPONTANEOUS = "spontaneous"

_TYPES = {"integer": "xs:integer", "decimal": "xs:decimal", "boolean": "xs:boolean"}  # days may be partial: text

_FRAME = """\
<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{namespace}" targetNamespace="{namespace}"
           elementFormDefault="qualified" version="{version}">
<xs:simpleType name="sha256"><xs:restriction base="xs:string"><xs:pattern value="([0-9a-f]{{64}})?"/></xs:restriction>\
</xs:simpleType>
<xs:simpleType name="post-id"><xs:restriction base="xs:string"><xs:pattern value="[0-9a-f]{{64}}(-[0-9]+)?"/>\
</xs:restriction></xs:simpleType>
<xs:simpleType name="andring"><xs:restriction base="xs:string"><xs:enumeration value="ny"/>\
<xs:enumeration value="andrad"/></xs:restriction></xs:simpleType>
<xs:element name="leverans"><xs:complexType><xs:sequence>
 <xs:element name="generelltfalt"><xs:complexType><xs:sequence>
  <xs:element name="organisationsnummer" type="xs:string"/>
  <xs:element name="enhet" type="xs:string" minOccurs="0"/>
  <xs:element name="avtal" type="xs:string"/>
  <xs:element name="andamal" type="xs:string"/>
  <xs:element name="lopnummer" type="xs:nonNegativeInteger"/>
  <xs:element name="foregaende" type="sha256"/>
  <xs:element name="korning" type="xs:nonNegativeInteger"/>
  <xs:element name="slag" type="xs:string"/>
  <xs:element name="orsak" type="xs:string" minOccurs="0"/>
  <xs:element name="beslutsdag" type="xs:date"/>
  <xs:element name="skapad" type="xs:dateTime"/>
  <xs:element name="tillImport" type="xs:nonNegativeInteger"/>
  <xs:element name="tillLagandring" type="xs:nonNegativeInteger"/>
  <xs:element name="kalla" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
   <xs:attribute name="namn" type="xs:string" use="required"/>
   <xs:attribute name="tillstand" type="xs:string" use="required"/>
   <xs:attribute name="fullstandigTillImport" type="xs:nonNegativeInteger" use="required"/>
  </xs:complexType></xs:element>
  <xs:element name="forman" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
   <xs:attribute name="kod" type="xs:string" use="required"/>
   <xs:attribute name="fullstandigTillImport" type="xs:nonNegativeInteger" use="required"/>
  </xs:complexType></xs:element>
  <xs:element name="forbehall" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
   <xs:element name="grund" type="xs:string"/>
   <xs:element name="text" type="xs:string"/>
  </xs:sequence></xs:complexType></xs:element>
  <xs:element name="avslutar" type="xs:boolean"/>
 </xs:sequence></xs:complexType></xs:element>
 <xs:element name="bestallning" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
  <xs:element name="svar" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
   <xs:attribute name="kod" type="xs:string" use="required"/>
   <xs:attribute name="antal" type="xs:nonNegativeInteger" use="required"/>
  </xs:complexType></xs:element>
  <xs:element name="rad" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
   <xs:attribute name="nr" type="xs:positiveInteger" use="required"/>
   <xs:attribute name="fil-rad" type="xs:positiveInteger"/>
   <xs:attribute name="kod" type="xs:string" use="required"/>
   <xs:attribute name="referens" type="xs:string"/>
  </xs:complexType></xs:element>
 </xs:sequence>
 <xs:attribute name="id" type="xs:positiveInteger" use="required"/>
 <xs:attribute name="mottagen" type="xs:dateTime" use="required"/>
 <xs:attribute name="rader" type="xs:nonNegativeInteger" use="required"/>
 <xs:attribute name="referens" type="xs:string"/>
 </xs:complexType></xs:element>
 <xs:element name="informationsfalt"><xs:complexType><xs:sequence>
  <xs:element name="person" type="person" minOccurs="0" maxOccurs="unbounded"/>
 </xs:sequence></xs:complexType></xs:element>
 <xs:element name="slutfalt"><xs:complexType><xs:sequence>
  <xs:element name="personer" type="xs:nonNegativeInteger"/>
  <xs:element name="block" type="xs:nonNegativeInteger"/>
 </xs:sequence></xs:complexType></xs:element>
</xs:sequence><xs:attribute name="schemaversion" type="xs:string" use="required"/></xs:complexType></xs:element>
<xs:complexType name="person"><xs:sequence>
 <xs:element name="personnummer" type="xs:string"/>
 <xs:element name="statusBestallning" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>
  <xs:element name="kundStatus" type="xs:short"/>
  <xs:element name="formansinformation"><xs:complexType><xs:choice>
{benefits}
  </xs:choice></xs:complexType></xs:element>
  <xs:element name="orsak" type="xs:string" minOccurs="0"/>
 </xs:sequence><xs:attribute name="bevakning" type="xs:positiveInteger" use="required"/>
 <xs:attribute name="bestallning" type="xs:positiveInteger"/>
 <xs:attribute name="rad" type="xs:positiveInteger"/></xs:complexType></xs:element>
 <xs:element name="block" type="block" minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence><xs:attribute name="informationstyp" type="xs:short" use="required"/></xs:complexType>
<xs:complexType name="block"><xs:sequence>
 <xs:choice>
{sections}
 </xs:choice>
 <xs:element name="borttagen" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
  <xs:attribute name="id" type="post-id" use="required"/></xs:complexType></xs:element>
</xs:sequence>
<xs:attribute name="bevakning" type="xs:nonNegativeInteger" use="required"/>
<xs:attribute name="forman" type="xs:string" use="required"/>
<xs:attribute name="sektion" type="xs:string" use="required"/>
<xs:attribute name="fore" type="sha256" use="required"/>
<xs:attribute name="efter" type="sha256" use="required"/>
</xs:complexType>
{types}
</xs:schema>
"""


def xsd(known: Catalogue) -> str:
    """The schema, as text."""
    return _FRAME.format(
        namespace=NAMESPACE,
        version=f"{VERSION}+{known.version}",
        benefits="\n".join(
            f'   <xs:element name={quoteattr(one.order_name)} type="xs:short" fixed="1"/>'
            for one in known.benefits.values()
        ),
        sections="\n".join(
            f'  <xs:element name="{name}" type="sektion-{name}" minOccurs="0" maxOccurs="unbounded"/>'
            for name in known.sections
        ),
        types="\n".join(line for name, one in known.sections.items() for line in _section(name, one.fields)),
    )


@cache
def current() -> str:
    return xsd(catalogue())


def _section(name: str, fields: Iterable[Field]) -> Iterator[str]:
    yield f'<xs:complexType name="sektion-{name}"><xs:sequence>'
    for field in fields:
        yield from _element(field)
    yield '</xs:sequence><xs:attribute name="id" type="post-id" use="required"/>'
    yield '<xs:attribute name="andring" type="andring"/><xs:attribute name="ersatter" type="post-id"/>'
    yield "</xs:complexType>"


def _element(field: Field) -> Iterator[str]:
    """An element for a field. None is required: what a customer may not see is absent."""
    occurs = ' minOccurs="0"' + (' maxOccurs="unbounded"' if field.many else "")
    if field.is_leaf:
        yield f'<xs:element name="{field.name}" type="{_TYPES.get(field.kind, "xs:string")}"{occurs}/>'
        return
    yield f'<xs:element name="{field.name}"{occurs}><xs:complexType><xs:sequence>'
    for child in field.children:
        yield from _element(child)
    yield "</xs:sequence></xs:complexType></xs:element>"
