"""The catalogue as it stands: the contract's names and codes, classes, labels, benefits, payments."""

import pytest

from benefits.catalogue import Catalogue, catalogue


def words(text: str) -> list[str]:
    return text.split()


FK_SECTIONS = words("""
    generellPersoninformation aktivitetsstodsarende allmanpensionsarende arbetsskadeefterlevandearende
    arbetsskadeegenlivrantearende barnbidragsarende bostadsbidragsarende bostadstillaggsarende
    efterlevandepensionsarende mottagareavbarnbidrag foraldrapenningarende forebyggandeSjukpenningsarende
    handikappersattningsarende graviditetspenningsarende intjanandebehallning intjanandeuppgift
    levnadsintygsuppgift merkostnadsersattningsarende narstaendepenningarende omvardnadsbidragsarende
    preliminarautbetalningar programanvisning programersattningsarende programjobdagar rehabersattningsarende
    sjukOchAktivitetsersattningsarende sjukOchAktivitetsersattningSteglosAvrakningHistorik
    sjukOchAktivitetsersattningSteglosAvrakningNulage sjukpenningarende sjukpenninggrundandeInkomstuppgift
    skatteuppgift smittbararersattningsarende studiemedelsavisering tillfalligForaldrapenningarende
    totalforsvarspliktsarende underhallsskuld underhallsstodskrav underhallsstodsmottag utbetalningsuppgift
    vardbidragsarende yrkesskadeefterlevandearende yrkesskadeegenlivrantearende
""")
PM_SECTIONS = words("ansprak beslut preliminaraUtbetalningar utbetalningar ovrigInformation")
FK_GROUPS = words("""
    FK:ABB FK:AP FK:AS FK:BOB FK:BST FK:BTI FK:DPE FK:EJO FK:ET FK:FP FK:FSJP FK:GP FK:HE FK:MABB FK:MEK FK:NP
    FK:OMV FK:PJOB FK:PROG FK:RBE FK:SA FK:SBP FK:SJP FK:TFP FK:US FK:VB FK:YL
""")
PM_GROUPS = words("PM:AP PM:BTI PM:EF")
INFORMATION = words("FK:GEPI FK:PANV FK:SGI FK:SKUP FK:STAV PM:LINT PM:PBH PM:PU")
CONTRACT_CODES = {*FK_GROUPS, *PM_GROUPS, *INFORMATION}
CLASSES = words("""
    identity name application benefit period extent amount payment_date days changed_decision income_base
    address employer contact related reason outcome deduction balance protection
""")


@pytest.fixture(scope="module")
def cat() -> Catalogue:
    return catalogue()


def test_the_sections_are_those_of_the_contract_in_its_order_and_the_header(cat):
    assert list(cat.sections) == [*FK_SECTIONS, *PM_SECTIONS, "person"]
    assert len(FK_SECTIONS) == 42


def test_fks_sections_stand_under_formansinformation_and_pms_at_the_root(cat):
    assert {cat.sections[name].place for name in FK_SECTIONS} == {"formansinformation"}
    assert {cat.sections[name].owner for name in FK_SECTIONS} == {"FK"}
    assert {(cat.sections[name].place, cat.sections[name].owner) for name in PM_SECTIONS} == {(None, "PM")}


def test_the_header_is_one_object_that_no_benefit_owns(cat):
    header = cat.sections["person"]
    assert (header.many, header.place, header.benefits) == (False, None, ())
    assert {leaf.name: leaf.cls for leaf in header.leaves()} == {
        "personnummer": "identity",
        "tidigarePersonnummer": "identity",
        "namn": "name",
        "foddes": "identity",
        "avled": "identity",
    }
    assert header.field("tidigarePersonnummer").many


def test_every_benefit_group_and_information_type_of_the_contract_can_be_ordered(cat):
    assert set(cat.benefits) >= CONTRACT_CODES
    assert {one for one in CONTRACT_CODES if cat.benefits[one].kind == "information"} == set(INFORMATION)


def test_a_code_that_the_contract_does_not_have_is_marked_ours(cat):
    own = set(cat.benefits) - CONTRACT_CODES
    assert own == {"FK:AL", "FK:EP", "FK:LINT", "FK:INTJ"}
    assert all(cat.benefits[code].ours for code in own)


def test_the_classes_are_the_agreed_ones(cat):
    assert list(cat.classes) == CLASSES


def test_every_leaf_has_one_known_class(cat):
    leaves = [leaf for section in cat.sections.values() for leaf in section.leaves()]
    assert leaves
    assert [leaf.path for leaf in leaves if leaf.cls not in cat.classes] == []


def test_everything_is_labelled_in_swedish_and_english(cat):
    labelled = [*cat.sections.values(), *cat.benefits.values()]
    labelled += [field for section in cat.sections.values() for field in section.walk()]
    assert all(one.label_sv and one.label_en for one in labelled)
    codes = [label for section in cat.sections.values() for leaf in section.leaves() for label in leaf.codes.values()]
    assert all(label.sv and label.en for label in [*codes, *cat.classes.values(), *cat.owners.values()])


def test_order_names_are_unique_and_lead_back_to_their_benefit(cat):
    assert len({one.order_name for one in cat.benefits.values()}) == len(cat.benefits)
    assert all(cat.by_order_name(one.order_name) is one for one in cat.benefits.values())
    assert cat.by_order_name("nope") is None


@pytest.mark.parametrize(
    ("order_name", "code"),
    [
        ("sjukpenning", "FK:SJP"),
        ("pension", "FK:AP"),
        ("havandeskapspenning", "FK:GP"),
        ("sjukpenninggrundandeInkomst", "FK:SGI"),
        ("arbetsskadelivranta", "FK:AL"),
        ("levnadsintyg", "FK:LINT"),
        ("generellPersonInformation", "FK:GEPI"),
        ("pmAllmanPension", "PM:AP"),
    ],
)
def test_fks_own_order_names_are_kept(cat, order_name, code):
    assert cat.by_order_name(order_name).code == code


def test_sections_and_benefits_name_each_other(cat):
    assert [one.code for one in cat.benefits_of("sjukpenningarende")] == ["FK:SJP"]
    assert [one.code for one in cat.benefits_of("ovrigInformation")] == ["PM:LINT", "PM:PBH", "PM:PU"]
    with pytest.raises(KeyError):
        cat.benefits_of("nope")


def test_a_section_of_several_benefits_says_how_its_items_are_told_apart(cat):
    shared = {name for name, section in cat.sections.items() if len(section.benefits) > 1}
    assert shared == {"utbetalningsuppgift", "preliminarautbetalningar", *PM_SECTIONS}
    assert {name for name in shared if cat.sections[name].payment} == {
        "utbetalningsuppgift",
        "preliminarautbetalningar",
        "utbetalningar",
        "preliminaraUtbetalningar",
    }
    assert {cat.sections[name].benefit_code for name in ("ansprak", "beslut")} == {"formansgrupp.kod"}
    assert cat.sections["ovrigInformation"].benefit_code == "informationstyp.kod"


@pytest.mark.parametrize("name", ["ansprak", "beslut", "ovrigInformation"])
def test_the_code_that_names_an_items_benefit_is_a_benefit_code(cat, name):
    section = cat.sections[name]
    assert set(section.field(section.benefit_code).codes) == set(section.benefits)


def test_only_pms_claims_and_decisions_have_a_natural_key(cat):
    assert {name: one.key for name, one in cat.sections.items() if one.key} == {
        "ansprak": "ansprakid",
        "beslut": "beslutsid",
    }


@pytest.mark.parametrize(
    ("section", "path", "code", "label"),
    [
        ("levnadsintygsuppgift", "status", "5", "Förmåner har spärrats"),
        ("ovrigInformation", "levnadsintyg.levnadsintygsstatus", "5", "Förmåner har spärrats"),
        ("utbetalningsuppgift", "utbetalningsdetalj.beloppstyp", "PS", "Preliminär skatt"),
        (
            "preliminarautbetalningar",
            "utbetalningsdetalj.beloppstyp",
            "ÅFA",
            "Återbetalning frivillig försäkring",
        ),
        ("generellPersoninformation", "civilstand", "7", "Änka/Änkeman"),
        ("sjukpenningarende", "beslut.beslutsutfall", "AVSLAG", "Avslag"),
        ("intjanandeuppgift", "underlag.poangunderlag.poang.typ", "sapoang", "SA-poäng"),
        ("generellPersoninformation", "adress.roller", "2", "Särskild adress"),
        ("yrkesskadeegenlivrantearende", "grunduppgifter.arbetsgivare", "84", "EuroMaint"),
    ],
)
def test_codes_carry_the_contracts_labels(cat, section, path, code, label):
    field = cat.sections[section].field(path)
    assert field.codes[code].sv == label
    assert field.code_leaf.codes == field.codes


def test_only_the_codes_that_the_contract_enumerates_are_closed(cat):
    closed = {
        section.name for section in cat.sections.values() for leaf in section.leaves() if leaf.codes and leaf.closed
    }
    assert closed == set(PM_SECTIONS)


def test_a_code_that_the_contract_does_not_explain_is_marked_ours(cat):
    types = cat.sections["beslut"].field("beslutadErsattning.ersattningstyp").codes
    assert all(label.ours for label in types.values())
    assert (types["PM:BH"].sv, types["PM:GARP"].sv) == ("BH", "Garantipension")


@pytest.mark.parametrize(
    ("row", "family", "benefit"),
    [
        ("FP", "DAG", "FK:FP"),
        ("SJP", "DAG", "FK:SJP"),
        ("EE", "DAG", "FK:ET"),
        (None, "BOB", "FK:BOB"),
        ("PM:AP", None, "PM:AP"),
        ("DAG", "DAG", None),
        (None, "DAG", None),
        ("XYZ", "SJP", None),
        ("XYZ", None, None),
        (None, None, None),
    ],
)
def test_a_payment_row_decides_its_benefit_and_its_family_only_where_the_row_is_silent(cat, row, family, benefit):
    assert cat.payment_benefit(row, family) == benefit


def test_a_payment_code_that_public_sources_do_not_confirm_is_marked_ours(cat):
    assert {code for code, one in cat.payment_codes.items() if not one.ours} == {
        "DAG",
        "PM:AP",
        "PM:BTI",
        "PM:EF",
    }


def test_every_benefit_that_payments_answer_has_a_payment_code(cat):
    paid = {code for section in cat.sections.values() if section.payment for code in section.benefits}
    assert paid == {one.benefit for one in cat.payment_codes.values()} - {None}


def test_tax_and_other_deductions_are_known_as_deductions(cat):
    rule = cat.sections["utbetalningsuppgift"].payment
    types = cat.sections["utbetalningsuppgift"].field("utbetalningsdetalj.beloppstyp").codes
    assert {"PS", "SS", "INF", "ÖVA"} <= rule.deduction_types == set(types)
    assert rule.totals == ("bruttobelopp", "skattebelopp", "avdragsbelopp", "nettobelopp")


@pytest.mark.parametrize(
    ("section", "path", "cls", "subject"),
    [
        ("sjukpenningarende", "startades", "application", ""),
        ("sjukpenningarende", "beslut.fattades", "period", ""),
        ("sjukpenningarende", "beslut.beslutsutfall", "outcome", ""),
        ("sjukpenningarende", "beslut.ersattningsdagar.karensavdragsbelopp.summa", "deduction", ""),
        ("barnbidragsarende", "grunduppgifter.barn.personnummer", "related", "other"),
        ("barnbidragsarende", "grunduppgifter.barn.skyddad", "protection", "other"),
        ("generellPersoninformation", "skyddad", "protection", ""),
        ("generellPersoninformation", "civilstand.id", "related", ""),
        ("generellPersoninformation", "arbetsstallen.arbetsgivare.adress.postort", "employer", ""),
        ("generellPersoninformation", "arbetsstallen.kontakt.epost", "contact", "other"),
        ("generellPersoninformation", "folkbokford.kommun", "address", ""),
        ("utbetalningsuppgift", "nettobelopp.summa", "deduction", ""),
        ("utbetalningsuppgift", "utbetalningsdetalj.bruttobelopp.summa", "amount", ""),
        ("utbetalningar", "nettobelopp", "deduction", ""),
        ("underhallsskuld", "belopp.summa", "balance", ""),
        ("foraldrapenningarende", "anspraksdagar.omfattning.taljare", "application", ""),
        ("graviditetspenningsarende", "beslut.ersattning.id", "reason", ""),
        ("beslut", "tillagg.bostadsInkomststod.berakningsunderlag.medsokande", "related", "other"),
        ("mottagareavbarnbidrag", "beslut.underlag.institutionsplacering.adress.postort", "address", ""),
    ],
)
def test_the_class_of_a_leaf_is_its_own_or_its_parents(cat, section, path, cls, subject):
    leaf = cat.sections[section].field(path)
    assert (leaf.cls, leaf.subject) == (cls, subject)


def test_a_day_row_is_told_only_where_days_may_be(cat):
    """The number of day rows is a number of days, so that their amounts go with the days."""
    names = {"ersattningsdagar", "bedomdadagar"}
    rows = [one for section in cat.sections.values() for one in section.walk() if one.name in names]
    assert rows
    assert {leaf.cls for row in rows for leaf in row.leaves()} == {"days", "deduction"}


def test_nothing_of_another_person_is_of_the_persons_own_identity(cat):
    others = {leaf.cls for one in cat.sections.values() for leaf in one.leaves() if leaf.subject == "other"}
    assert others.isdisjoint({"identity", "name", "address", "benefit", "period", "amount"})


@pytest.mark.parametrize(
    ("section", "path", "values"),
    [
        ("foraldrapenningarende", "avslaget", (True,)),
        ("sjukpenningarende", "beslut.beslutsutfall", ("AVSLAG",)),
        ("merkostnadsersattningsarende", "beslut.beslutsutfall", (5, 6, 7)),
        ("omvardnadsbidragsarende", "beslut.beslutsutfall", (4, 5, 6)),
        ("beslut", "beslutsutfall", ("AVSLAG",)),
    ],
)
def test_a_refusal_is_told_by_its_outcome(cat, section, path, values):
    assert cat.sections[section].field(path).refusal == values


def test_single_values_that_the_contract_writes_as_lists_are_lists_of_at_most_one(cat):
    died = cat.sections["generellPersoninformation"].field("avled")
    assert (died.many, died.at_most, died.required) == (True, 1, False)
    assert cat.sections["generellPersoninformation"].at_most == 1


def test_a_path_that_does_not_exist_is_a_key_error_and_names_no_value(cat):
    with pytest.raises(KeyError, match=r"sjukpenningarende has no field beslut\.nope"):
        cat.sections["sjukpenningarende"].field("beslut.nope")


def test_the_catalogue_is_read_once_and_cannot_be_changed(cat):
    assert catalogue() is cat
    with pytest.raises(TypeError):
        cat.sections["ny"] = cat.sections["person"]
    with pytest.raises(AttributeError):
        cat.version = "10"
