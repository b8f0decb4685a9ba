"""Pages of reports in a browser; run by `.ci/long page`, where Chromium, Playwright and axe-core are installed.

AXE names the file axe.min.js, CHROMIUM the browser's program.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import exactformer as ef
from exactformer.folder import write_folder

PROOFS = Path(__file__).parents[1] / "proofs"
FOLDERS = sorted(path.parent.name for path in PROOFS.glob("*/report.html"))
LOOKS = [(1100, "light"), (390, "dark")]
if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a proof by more than 600 regions."""
    r = random.Random(5)
    layers = [
        ([[r.randint(-9, 9) for _ in range(i)] for _ in range(o)], [r.randint(-9, 9) for _ in range(o)])
        for i, o in ((2, 32), (32, 32))
    ]
    network = ef.ReluNetwork.of(layers, ([[r.randint(-3, 3) for _ in range(32)]], [0]), domain=ef.Box([-1, -1], [1, 1]))
    outcome = ef.prove(network, method="regions")
    assert outcome.proved and len(outcome.regions) >= 600
    folder = tmp_path_factory.mktemp("large") / "proof"
    write_folder(outcome, folder)
    return folder / "report.html"


def opened(browser: Browser, path: Path, width: int, scheme: Any, **options: Any) -> tuple[Page, list[str]]:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    return page, complaints


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("name", FOLDERS)
def test_pages_fit_say_nothing_wrong_and_are_accessible(browser: Browser, name: str, width: int, scheme: str) -> None:
    page, complaints = opened(browser, PROOFS / name / "report.html", width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    page, _ = opened(browser, PROOFS / name / "report.html", width, scheme, bypass_csp=True)
    accessible(page)


def accessible(page: Page) -> None:
    page.add_script_tag(path=os.environ["AXE"])
    found = page.evaluate("axe.run()")
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []


def test_a_large_proof_is_small_quick_and_accessible(browser: Browser, large: Path) -> None:
    assert large.stat().st_size < 3_000_000
    page, complaints = opened(browser, large, 1100, "light")
    started = time.monotonic()
    page.reload()
    assert time.monotonic() - started < 1 and complaints == []
    page, _ = opened(browser, large, 390, "dark", bypass_csp=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("figure svg").focus()
    page.keyboard.press("ArrowUp")
    assert page.locator(".asked strong").count() == 1
    accessible(page)


def test_the_pointer_the_keyboard_and_a_written_point_choose_a_region(browser: Browser) -> None:
    page, complaints = opened(browser, PROOFS / "maxout-rank-3" / "report.html", 1100, "light")
    drawing, answer = page.locator("figure svg"), page.locator(".asked [role=status]")
    assert answer.inner_text() == ""
    drawing.scroll_into_view_if_needed()
    box = drawing.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    pointed = answer.locator("strong").inner_text()
    assert pointed.startswith("Region ") and page.locator("path.chosen").get_attribute("d")
    seen = {pointed}
    drawing.focus()
    for _ in range(64):
        page.keyboard.press("ArrowRight")
        seen.add(answer.locator("strong").inner_text())
    assert len(seen) > 1
    rows = answer.locator("tbody tr").all_inner_texts()
    assert rows and all(row.split("\t")[1] == row.split("\t")[2] for row in rows)
    assert complaints == []


def test_a_written_point_is_exact_and_a_wrong_one_is_told(browser: Browser) -> None:
    page, complaints = opened(browser, PROOFS / "absolute-value" / "report.html", 1100, "light")
    (field,), answer = page.locator(".asked input").all(), page.locator(".asked [role=status]")
    field.fill("-1/3")
    field.press("Tab")
    assert "layer 0, unit 0\t0.333333\t0.333333" in answer.inner_text()
    for wrong in ("2", "", "x", "1/0", "<b>"):
        field.fill(wrong)
        field.press("Tab")
        assert answer.inner_text().startswith("Not a point of the picture")
    assert complaints == []


def test_print_leaves_out_what_cannot_be_asked_on_paper(browser: Browser) -> None:
    page, _ = opened(browser, PROOFS / "absolute-value" / "report.html", 1100, "light")
    panel = page.locator(".asked")
    assert panel.is_visible()
    page.emulate_media(media="print")
    assert not panel.is_visible()


def test_without_its_script_the_page_says_the_same(browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((PROOFS / "absolute-value" / "report.html").as_uri())
    assert "Proved" in page.inner_text("article") or "PROVED" in page.inner_text("article")
    assert page.locator(".asked").count() == 0


def test_long_numbers_unfold(browser: Browser) -> None:
    page, _ = opened(browser, PROOFS / "maxout-rank-3" / "report.html", 1100, "light")
    folded = page.locator("details").first
    assert not folded.locator("code").is_visible()
    folded.locator("summary").click()
    assert folded.locator("code").is_visible()
