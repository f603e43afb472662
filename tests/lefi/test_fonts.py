"""The typeface of the pages has all that our own texts are written with."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from fontTools.ttLib import TTFont

ROOT = Path(settings.BASE_DIR)
MOST = 25 * 1024  # bytes of a weight: all three are fetched on a first visit
WEIGHTS = ["Regular", "SemiBold", "Bold"]
TEXTS = [ROOT / "locale/sv/LC_MESSAGES/django.po", ROOT / "benefits/catalogue.json", *ROOT.glob("**/legal_bases.json")]
NOT_SHOWN = set("\n\t")


def signs() -> set[str]:
    """Every sign of the translations, the catalogue, the legal bases and the templates."""
    files = [*TEXTS, *(ROOT / "templates").rglob("*.html")]
    return set("".join(path.read_text(encoding="utf-8") for path in files)) - NOT_SHOWN


@pytest.mark.parametrize("weight", WEIGHTS)
def test_every_sign_that_we_write_is_in_the_typeface(weight):
    with TTFont(ROOT / f"static/fonts/Inter-{weight}.woff2") as font:
        known = {chr(code) for code in font.getBestCmap()}

    assert signs() - known == set()
    assert set("åäöÅÄÖéüßčđŋšŧžłńřőșț–—…”’€−→") <= known


@pytest.mark.parametrize("weight", WEIGHTS)
def test_figures_can_stand_under_one_another(weight):
    with TTFont(ROOT / f"static/fonts/Inter-{weight}.woff2") as font:
        features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}

    assert {"tnum", "locl"} <= features


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_weight_is_light(weight):
    assert (ROOT / f"static/fonts/Inter-{weight}.woff2").stat().st_size < MOST


def test_pages_load_the_light_typeface_alone():
    for name in ("frame.css", "admin-theme/admin.css"):
        loaded = re.findall(r'url\("([^"]+\.woff2)"', (ROOT / "static" / name).read_text())
        assert [Path(one).name for one in loaded] == [f"Inter-{weight}.woff2" for weight in WEIGHTS]
        assert not [one for one in loaded if "vendor" in one]
