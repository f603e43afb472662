"""PURE: the XSD of orders and that of their answers, made from the catalogue. Published at stable addresses.

The names of elements are those of `xmlfile`, which says whose they are; namespaces and the answer's frame are our
choice. What an order's schema lets through is read; the reader takes somewhat more, such as any namespace or none.
"""

from functools import cache
from xml.sax.saxutils import quoteattr

from benefits.catalogue import Catalogue, catalogue
from subscriptions.orders.lines import KINDS, MOST_CASE, MOST_REFERENCE

VERSION = "1.0"
NAMESPACE = "urn:lefi:prenumeration:bestallning:1"
ANSWER_NAMESPACE = "urn:lefi:prenumeration:bestallningssvar:1"

_HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{namespace}" targetNamespace="{namespace}"
           elementFormDefault="qualified" version="{version}">
"""

_ORDER = """\
<xs:simpleType name="dag"><xs:restriction base="xs:date"><xs:pattern value="[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"/>\
</xs:restriction></xs:simpleType>
<xs:simpleType name="val"><xs:restriction base="xs:string"><xs:enumeration value="0"/><xs:enumeration value="1"/>\
</xs:restriction></xs:simpleType>
<xs:simpleType name="behov"><xs:restriction base="xs:token"><xs:maxLength value="{case}"/></xs:restriction>\
</xs:simpleType>
<xs:simpleType name="referens"><xs:restriction base="xs:token"><xs:maxLength value="{reference}"/></xs:restriction>\
</xs:simpleType>
<xs:element name="bestallning"><xs:complexType><xs:sequence>
 <xs:element name="generelltfalt"><xs:complexType><xs:all>
  <xs:element name="organisationsnummer" type="xs:token"/>
  <xs:element name="enhet" type="xs:token" minOccurs="0"/>
 </xs:all></xs:complexType></xs:element>
 <xs:element name="informationsfalt"><xs:complexType><xs:choice maxOccurs="unbounded">
{kinds}
 </xs:choice></xs:complexType></xs:element>
</xs:sequence></xs:complexType></xs:element>
<xs:complexType name="rader"><xs:choice maxOccurs="unbounded">
 <xs:element name="person" type="person"/>
 <xs:element name="bestand" type="bestand"/>
</xs:choice></xs:complexType>
<xs:complexType name="person"><xs:all>
 <xs:element name="personnummer" type="xs:token"/>
 <xs:element name="from" type="dag" minOccurs="0"/>
 <xs:element name="formansinformation" type="formansinformation"/>
 <xs:element name="arendereferens" type="behov" minOccurs="0"/>
 <xs:element name="behovsreferens" type="behov" minOccurs="0"/>
 <xs:element name="referens" type="referens" minOccurs="0"/>
</xs:all></xs:complexType>
<xs:complexType name="bestand"><xs:all>
 <xs:element name="from" type="dag" minOccurs="0"/>
 <xs:element name="formansinformation" type="formansinformation" minOccurs="0"/>
 <xs:element name="referens" type="referens" minOccurs="0"/>
</xs:all></xs:complexType>
<xs:complexType name="formansinformation"><xs:all>
{benefits}
</xs:all></xs:complexType>
</xs:schema>
"""

_ANSWER = """\
<xs:element name="bestallningssvar"><xs:complexType><xs:sequence>
 <xs:element name="svar" minOccurs="0" maxOccurs="unbounded"><xs:complexType>
  <xs:attribute name="kod" type="xs:string" use="required"/>
  <xs:attribute name="antal" type="xs:nonNegativeInteger" use="required"/>
 </xs:complexType></xs:element>
 <xs:element name="person" type="person" minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence>
<xs:attribute name="id" type="xs:positiveInteger" use="required"/>
<xs:attribute name="mottagen" type="xs:dateTime" use="required"/>
<xs:attribute name="rader" type="xs:nonNegativeInteger" use="required"/>
<xs:attribute name="status" type="xs:string" use="required"/>
</xs:complexType></xs:element>
<xs:complexType name="person"><xs:sequence>
 <xs:element name="personnummer" type="xs:string"/>
 <xs:element name="statusBestallning" maxOccurs="unbounded"><xs:complexType><xs:sequence>
  <xs:element name="kundStatus" type="xs:short"/>
  <xs:choice>
   <xs:element name="formansinformation" type="formansinformation"/>
   <xs:element name="forman" type="xs:string"/>
  </xs:choice>
  <xs:element name="referens" type="xs:string" minOccurs="0"/>
  <xs:element name="mening" type="xs:string"/>
 </xs:sequence>
 <xs:attribute name="rad" type="xs:positiveInteger" use="required"/>
 <xs:attribute name="kod" type="xs:string" use="required"/>
 </xs:complexType></xs:element>
</xs:sequence></xs:complexType>
<xs:complexType name="formansinformation"><xs:choice>
{benefits}
</xs:choice></xs:complexType>
</xs:schema>
"""


def order_xsd(known: Catalogue) -> str:
    """The schema of orders, as text."""
    return (_HEAD + _ORDER).format(
        namespace=NAMESPACE,
        version=f"{VERSION}+{known.version}",
        case=MOST_CASE,
        reference=MOST_REFERENCE,
        kinds="\n".join(f'  <xs:element name="{kind}" type="rader"/>' for kind in KINDS),
        benefits=_benefits(known, 'type="val" minOccurs="0"'),
    )


def answer_xsd(known: Catalogue) -> str:
    """The schema of an order's result, as text. `forman` is a benefit that is not in the catalogue, as written."""
    return (_HEAD + _ANSWER).format(
        namespace=ANSWER_NAMESPACE,
        version=f"{VERSION}+{known.version}",
        benefits=_benefits(known, 'type="xs:short" fixed="1"'),
    )


def _benefits(known: Catalogue, as_what: str) -> str:
    return "\n".join(f" <xs:element name={quoteattr(one.order_name)} {as_what}/>" for one in known.benefits.values())


@cache
def current_order() -> str:
    return order_xsd(catalogue())


@cache
def current_answer() -> str:
    return answer_xsd(catalogue())
