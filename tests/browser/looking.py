"""What is looked at on every page: faults against WCAG, words of the other language, and width."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

WORD = re.compile(r"[^\W\d_]+")
# Words that betray a sentence of the other language; none of them is a word, or an abbreviation, in both.
ENGLISH = frozenset(
    WORD.findall(
        "the of and with this that these are not from which has have your you please select delete add change save "
        "view search when where must may will been were they their there here any each every other than then"
    )
)
SWEDISH = frozenset(
    WORD.findall("och att som för är inte på av till med från ett eller kan ska när där har detta dessa inga")
)
CODE = re.compile(r"\b[A-Z]+(?:[_-][A-Z0-9]+)*\b")  # stable codes, the same in every language

# Texts of the page that speak its own language: what stands in code, or is marked with another language, does not.
TEXTS = """() => {
    const found = [], own = document.documentElement.lang;
    const elsewhere = element => element.closest('code, pre, script, style, svg text, textarea, [translate=no], [lang]')
        ?? document.documentElement;
    const spoken = element => {
        const other = elsewhere(element);
        return other === document.documentElement || other.getAttribute('lang') === own;
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.nodeValue.trim();
        if (text && spoken(walker.currentNode.parentElement)) found.push(text);
    }
    for (const element of document.querySelectorAll('[title], [aria-label], [alt], [placeholder]'))
        for (const name of ['title', 'aria-label', 'alt', 'placeholder'])
            if (element.hasAttribute(name) && spoken(element)) found.push(element.getAttribute(name));
    if (document.title) found.push(document.title);
    return found;
}"""


def against_wcag(page: Page) -> Iterator[str]:
    """What axe finds on the page at levels A and AA of WCAG 2.2, a line for each place."""
    page.wait_for_load_state("domcontentloaded")
    page.evaluate(AXE)
    # Without a preload: what axe makes of style sheets that import others is an inline style, which the policy stops.
    found: dict[str, Any] = page.evaluate(
        "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations'], preload: false})", WCAG
    )
    for fault in found["violations"]:
        for node in fault["nodes"][:3]:
            yield f"{fault['id']}: {node['target'][0]} {' '.join(node['failureSummary'].split())[:160]}"


def in_another_language(page: Page) -> Iterator[str]:
    """Texts on the page with words that are not of its language."""
    strange = ENGLISH if page.get_attribute("html", "lang") == "sv" else SWEDISH
    for text in page.evaluate(TEXTS):
        if strange & {word.lower() for word in WORD.findall(CODE.sub("", text))}:
            yield " ".join(text.split())[:120]
