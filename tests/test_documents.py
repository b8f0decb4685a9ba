"""Every answer has a document, and every renderer shows the same of it, escaped."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer import documents
from exactformer.cli import main
from exactformer.documents import (
    Document,
    render_html,
    render_json,
    render_latex,
    render_markdown,
    render_pdf,
    render_text,
    rendered,
)
from exactformer.documents.document import (
    Code,
    Commands,
    Exact,
    Facts,
    Figure,
    Formula,
    Paragraph,
    Section,
    Statement,
    Steps,
    Table,
)
from exactformer.documents.latex import MATHEMATICS
from exactformer.documents.latex import escaped as latex_escaped
from exactformer.documents.pdf import render_typst
from exactformer.errors import InvalidInput
from exactformer.subdivision import sawtooth, sliced
from exactformer.work import OutOfTime

HOSTILE = "<script>alert(1)</script>|`*\x1b[31m\u202e\n# x"
BEND = ef.ReluNetwork.of(
    [([[1, 2], [-1, 1]], [0, "1/2"])], ([[1, -1]], [0]), domain=ef.Box([-1, -1], [1, 1]), name=HOSTILE
)
LATEX = {
    *("allowbreak", "arraybackslash", "begin", "dots", "emph", "end", "endhead", "ensuremath", "hline", "item"),
    *("linewidth", "maketitle", "raggedright", "rule", "section", "textasciicircum", "textasciitilde"),
    *("textbackslash", "textbf", "textit", "textsubscript", "textsuperscript", "texttt"),
    *("mathbf", *(name[1:] for name in MATHEMATICS.values() if name[1:].isalpha())),
}
CONVEX = ef.ReluNetwork.of([([[1]], [0])], ([[1]], [0]), domain=ef.Box([-1], [1]), name=HOSTILE)
CONCAVE = replace(CONVEX, output=ef.Affine.of([[-1]], [0]))

ANSWERS: dict[str, Callable[[], ef.FamilyResult | ef.Regions]] = {
    "plane": lambda: ef.regions(BEND),
    "line": lambda: ef.regions(sliced(BEND, [0, 0], [[1, 0]], ef.Box([-1], [1]))),
    "transformer": lambda: ef.regions(ef.compile(BEND).transformer),
    "unbounded": lambda: ef.regions(BEND, ef.Domain.everything(2)),
    "flat": lambda: ef.regions(BEND, ef.Box([0, 0], [0, 0])),
    "proved": lambda: ef.verify_family([CONVEX], claim="convex"),
    "refuted": lambda: ef.verify_family([CONVEX, CONCAVE], claim="convex"),
    "empty": lambda: ef.verify_family([], claim="convex"),
}


OWN = (Path(documents.__file__).parent / "page.js").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Reads a page, whose tags must be balanced and harmless, its own script and the data of that apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        page = page.replace(f"<script>{OWN}</script>", "")
        page = re.sub('<script type="application/json" class="details">[^<]*</script>', "", page)
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag not in ("script", "link", "iframe", "object", "img")
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def blocks(document: Document, kind: type) -> list[object]:
    return [block for section in document.sections for block in section.blocks if isinstance(block, kind)]


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_in_every_form(name: str) -> None:
    page = ef.report(ANSWERS[name]())
    files = dict(rendered(page.document, "report"))
    assert list(files) == ["report.txt", "report.md", "report.html", "report.json"]
    assert (str(page), page.markdown(), page.html()) == tuple(list(files.values())[:3])
    for title in [section.title for section in page.document.sections]:
        assert all(title in text for text in files.values())
    Tags(page.html())
    markdown = re.sub(r"```sh\n.*?\n```\n", "", page.markdown(), flags=re.DOTALL)
    assert "<script" not in markdown and max(map(len, str(page).splitlines())) <= 100
    assert [line for line in markdown.splitlines() if line.startswith("# ")] == [markdown.splitlines()[0]]
    assert not any("\x1b" in text or "\u202e" in text for text in files.values())


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_as_latex_and_pdf(name: str) -> None:
    page = ef.report(ANSWERS[name]())
    assert_is_latex(page.latex())
    assert page.pdf().startswith(b"%PDF-") and b"exactformer" in page.pdf()
    assert page.pdf() == page.pdf(), "no time of day is in it"
    titles = [latex_escaped(section.title) for section in page.document.sections]
    assert all(f"\\section{{{title}}}" in page.latex() for title in titles)
    figures = blocks(page.document, Figure)
    assert render_typst(page.document).count("#figure(image(bytes(") == len(figures)


def assert_is_latex(text: str) -> None:
    """What TeX reads as markup is what was written as such: braces are balanced, and there are no stray commands."""
    assert "\x1b" not in text and "\u202e" not in text and max(map(ord, text)) < 0x100
    body = text.split("\\begin{document}")[1].split("\\end{document}")[0]
    plain = re.sub(r"\\[{}$&#_%]", "", body)
    depth = 0
    for c in plain:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    assert {word[1:] for word in re.findall(r"\\[a-zA-Z]+", plain)} <= LATEX
    assert not re.search(r"[$^~#%]", plain)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=12), st.booleans())
def test_any_text_is_set_as_it_is(texts: list[str], pair: bool) -> None:
    """Nothing from a file is read as markup, whatever it is."""
    items = cycle(texts)
    cells = (next(items), Exact(next(items)), Code(next(items)), Formula(next(items)))
    section = Section(
        next(items),
        (
            Statement(next(items), next(items), next(items), next(items) if pair else ""),
            Paragraph(next(items)),
            Steps((next(items), next(items))),
            Facts(tuple((next(items), cell) for cell in cells), next(items) if pair else ""),
            Table(next(items), tuple(next(items) for _ in cells), "lrlr", (cells, cells), next(items) if pair else ""),
            Commands((next(items),)),
        ),
    )
    document = Document(next(items), "proved", (section,))
    assert_is_latex(render_latex(document, next(items) if pair else ""))
    assert render_pdf(document, next(items) if pair else "").startswith(b"%PDF-")


def test_pdf_without_typst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(
        ef.Unsupported, match=re.escape("expected the package typst, found none; pip install 'exactformer[pdf]'")
    ):
        render_pdf(Document("title", "proved", ()))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_notebook_shows_the_page(name: str) -> None:
    answer = ANSWERS[name]()
    assert answer._repr_html_() == ef.report(answer).html()


def test_what_has_no_report() -> None:
    with pytest.raises(InvalidInput, match="answer: expected what prove, verify, verify_family and regions return"):
        ef.report(CONVEX)  # type: ignore[arg-type]


def test_json_has_the_numbers_in_full() -> None:
    long = "1" * 60 + "/7"
    table = Table("t", ("a",), "l", ((Exact(long),), (True,)))
    document = Document("title", "proved", (Section("one", (table,)),))
    assert long not in render_text(document) and long not in render_markdown(document)
    value = json.loads(render_json(document))
    assert value["format"] == "exactformer/document-1" and (value["title"], value["tone"]) == ("title", "proved")
    ((block,),) = (section["blocks"] for section in value["sections"])
    assert block["kind"] == "table" and block["rows"] == [
        [{"kind": "exact", "text": long, "where": "", "long": 24, "digits": 5}],
        [True],
    ]
    assert json.loads(render_json(document, "a note")) == {**value, "note": "a note"}
    assert "a note" in render_html(document, "a note")


# --- counts of regions ------------------------------------------------------------------------------


def test_the_counts_of_a_document_are_those_of_the_regions() -> None:
    found = ef.regions(BEND)
    text = render_text(found.document())
    assert f"N has exactly {found.activation_regions} activation regions on D." in text and "COUNTED\n" in text
    assert re.search(rf"linear regions +{found.linear_regions}\n", text)
    assert re.search(rf"different affine maps +{found.distinct_affine_maps}\n", text)
    assert "exactformer check FOLDER" in text and "kernel was not involved" not in text
    (figure,) = blocks(found.document(), Figure)
    assert isinstance(figure, Figure) and (figure.picture.drawn, figure.picture.total) == (len(found), len(found))
    assert blocks(found.document(drawn=3), Figure) == []


def test_a_picture_on_the_line_is_the_graph() -> None:
    (figure,) = blocks(ef.regions(sawtooth(depth=2)).document(), Figure)
    assert isinstance(figure, Figure) and figure.picture.kind == "graph" and figure.picture.drawn == 9
    ((outline,),) = [shape.outlines for shape in figure.picture.shapes]
    assert len(outline) == 20  # ten points


def test_only_the_first_regions_are_listed() -> None:
    document = ef.regions(sawtooth(depth=4)).document()
    (table,) = blocks(document, Table)
    assert (
        isinstance(table, Table) and len(table.rows) == 50 and "31 more regions are left out here." in str(table.note)
    )


def test_where_there_can_be_no_certificate_the_document_says_so() -> None:
    for name in ("transformer", "unbounded"):
        text = str(ef.report(ANSWERS[name]()))
        assert "The kernel was not involved" in text and "--certificate" not in text
    assert "the rule is “average”" in str(ef.report(ANSWERS["transformer"]()))


def test_a_part_of_the_regions_is_called_that() -> None:
    found = ef.Regions(BEND, BEND.domain or ef.Box([0], [1]), ef.regions(BEND)._cells, "average", 9)
    document = found.document()
    text = render_text(document)
    assert document.tone == "unknown" and "COUNTED IN PART" in text and "at least 9 activation regions" in text


def test_a_document_stops_when_time_is_out() -> None:
    def over() -> None:
        raise OutOfTime

    with pytest.raises(OutOfTime):
        ef.regions(BEND).document(check=over)


# --- the command line -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    ef.save(BEND, "bend.json")
    Path("family.py").write_text(
        "import exactformer as ef\n"
        "def pairs():\n"
        "    for sign in (1, -1):\n"
        "        yield ef.ReluNetwork.of([([[1]], [0])], ([[sign]], [0]), domain=ef.Box([-1], [1]))\n"
    )
    return tmp_path


def listed(name: str) -> list[str]:
    return sorted(path.name for path in Path(name).iterdir())


def test_regions_writes_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["regions", "bend.json", "--out", "out"]) == 0
    assert "written   out/report.html" in capsys.readouterr().out
    assert listed("out") == ["manifest.json", "report.html", "report.json", "report.md", "report.txt"]
    first = {name: Path("out", name).read_bytes() for name in listed("out")}
    assert main(["regions", "bend.json", "--out", "out"]) == 0
    assert first == {name: Path("out", name).read_bytes() for name in listed("out")}
    assert main(["regions", "bend.json", "--slice", "x2", "--out", "out"]) == 0
    assert "N is the network as a function of x2 alone, called x1 here." in Path("out/report.txt").read_text()
    Path("out/report.md").write_text("mine")
    assert main(["regions", "bend.json", "--out", "out"]) == 3
    assert Path("out/report.md").read_text() == "mine"


def test_a_family_writes_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = ["family.html", "family.json", "family.md", "family.txt", "instances.jsonl", "manifest.json"]
    asked = ["verify", "--family", "family.py", "--claim", "convex"]
    assert main([*asked, "--instances", "1"]) == 0 and not Path("family-proof").exists()
    assert main([*asked, "--instances", "1", "--out", "out"]) == 0
    assert "family    out/family.html" in capsys.readouterr().out and listed("out") == pages
    assert main([*asked, "--out", "out"]) == 1
    assert "family    out/family.html" in capsys.readouterr().out and {*pages, "report.html"} < {*listed("out")}
    assert "REFUTED" in Path("out/family.txt").read_text() and main(["check", "out"]) == 0
    assert main([*asked, "--instances", "1", "--out", "out"]) == 0
    assert listed("out") == pages
