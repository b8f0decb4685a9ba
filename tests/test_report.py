"""Reports: their text is a snapshot (REPORT_UPDATE=1 writes it anew), their HTML is well-formed and escaped."""

import copy
import json
import os
import random
import re
from base64 import b64encode
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import exactformer as ef
from exactformer import documents
from exactformer.claims import Equal
from exactformer.compiler import compile_network
from exactformer.documents.numbers import abbreviated, map_text, point_text
from exactformer.documents.picture import Axis
from exactformer.domain import Box, Domain, Polyhedron
from exactformer.errors import InvalidInput
from exactformer.networks import Affine, MaxoutNetwork, ReluNetwork
from exactformer.networks.semantics import Semantics
from exactformer.prover import prove
from exactformer.prover.outcome import Confirmation, Evaluation, Inequality, Outcome, Region, TraceLine, Witness
from exactformer.prover.question import evaluate_exactly
from exactformer.rational import exact_text
from exactformer.reporting import (
    KernelFacts,
    Report,
    build_report,
    document_of,
    kernel_facts,
)
from exactformer.reporting.argument import RULES
from exactformer.reporting.build import network_card
from exactformer.reporting.geometry import area, clipped, interval, rectangle, window
from exactformer.reporting.picture import cells, picture_of
from exactformer.reporting.traces import places_of, traceable

SNAPSHOTS = Path(__file__).parent / "snapshots"
FILES = {"left": "left.json", "right": "right.json", "certificate": "certificate.json", "report": "report.json"}
EQUAL = "for every x in the domain, left(x) = right(x) (real arithmetic, hard attention, any tie rule)"
HOSTILE = "<script>alert(1)</script>|`*\x1b[31m\u202e\n# x"
F = Fraction
HARD = (Semantics(),) * 2
OWN = (Path(documents.__file__).parent / "page.js").read_text(encoding="utf-8")


def render_text(report: Report) -> str:
    return documents.render_text(document_of(report))


def render_markdown(report: Report) -> str:
    return documents.render_markdown(document_of(report))


def render_html(report: Report) -> str:
    return documents.render_html(document_of(report))


html_of = documents.render_html


def render_latex(report: Report) -> str:
    return documents.render_latex(document_of(report))


RENDERERS = {"txt": render_text, "md": render_markdown, "html": render_html, "tex": render_latex}


def absolute(name: str = "|x|") -> MaxoutNetwork:
    return MaxoutNetwork.of([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]), name=name, domain=Box([-1], [1]))


def structural(name: str = "|x|") -> Outcome:
    network = absolute(name)
    compiled = compile_network(network)
    return Outcome(
        "proved", "structural", Equal(), network, compiled.transformer, Box([-1], [1]), HARD, 0.0123,
        theorem=EQUAL, certificate={"tree": [["holds"]]}, counts={"gate": 0, "compare": 0, "holds": 1, "empty": 0},
        compiled=compiled, trusted=("the kernel accepted the certificate in a fresh interpreter",),
    )  # fmt: skip


def quadrants() -> tuple[Region, ...]:
    """N(x) = |x1 - x2/3| + relu(x2 - 1/2) on [-1, 1] x [-1, 2]."""
    result = []
    for s in (1, -1):
        for active in (True, False):
            rows = (Inequality((3 * s, -s), 0), Inequality((0, 2), -1) if active else Inequality((0, -2), 1))
            affine = Affine.of([[s, F(-s, 3) + active]], [F(-1, 2) if active else 0])
            interior = (F(9 * s, 10), F(1) if active else F(-1, 5))
            result.append(Region(rows, interior, affine, affine, (("L0.u0", s), ("L0.u1", int(active)))))
    return tuple(result)


def by_regions() -> Outcome:
    layer = ([[1, "-1/3"], [-1, "1/3"], [0, 1]], [0, 0, "-1/2"])
    network = ReluNetwork.of([layer], ([[1, 1, 1]], [0]), name="bend", domain=Box([-1, -1], [1, 2]))
    regions = quadrants()
    different = replace(regions[1], right=Affine.of([[F(10**30, 10**30 + 1), 0]], [0]))
    return Outcome(
        "proved", "regions", Equal(), network, compile_network(network).transformer, Box([-1, -1], [1, 2]), HARD,
        75.0,
        theorem=EQUAL, certificate={"tree": [["gate", "L0.u0"], ["holds"], ["holds"]]},
        regions=(regions[0], different, *regions[2:]),
        counts={"gate": 3, "holds": 4, "empty": 1, "regions": 4, "flat": 0, "pruned": 1},
        confirmations=(Confirmation("z3", "leaves", 4, 4, 5, 0, "one query a leaf"),),
    )  # fmt: skip


def on_the_line() -> Outcome:
    left, right = Affine.of([[-1], [2]], [0, 1]), Affine.of([[1], [2]], [0, 1])
    regions = (
        Region((Inequality((-1,), 0),), (F(-1, 2),), left, left, ()),
        Region((Inequality((1,), 0),), (F(1, 2),), right, right, ()),
    )
    return replace(structural(), method="regions", regions=regions, counts={"holds": 2})


def refuted() -> Outcome:
    network, other = absolute(), compile_network(absolute("broken")).transformer
    long = F(10**40 + 1, 3 * 10**40)
    return Outcome(
        "refuted", "lazy", Equal(), network, other, Polyhedron([-1], [1], [["1/2"]], ["1/3"]),
        (Semantics("leftmost"),) * 2, 2.0,
        theorem=f"at x = ({long}), left(x) = ({long}) and right(x) = (0) (tie rule leftmost)",
        certificate={"claim": "equal"}, witness=witness(long),
        trace=(
            TraceLine("after the embedding", str(long), str(long), True),
            TraceLine("block 0, unit 0", "0", str(long), False),
        ),
        compiled=compile_network(network),
    )  # fmt: skip


def witness(x: Fraction) -> Witness:
    evaluations = Evaluation("{left}(x)", (x,), (x,)), Evaluation("{right}(x)", (x,), (F(0),))
    return Witness((x,), evaluations, (("x", (x,)),))


def unknown() -> Outcome:
    deep = [([[[1] * 3, [-1] * 3]] * 3, [[0, "1/2"]] * 3)] * 40
    network = MaxoutNetwork.of(deep, ([[1, 1, 1]], [0]))
    compiled = compile_network(network, construction="global")
    return Outcome(
        "unknown", "lazy", Equal(), network, compiled.transformer, Domain.everything(3), HARD, 60.0,
        reason="out of time after 60 s", counts={"gate": 17}, compiled=compiled,
    )  # fmt: skip


OUTCOMES = {f.__name__: f for f in (structural, by_regions, on_the_line, refuted, unknown)}


def report_of(outcome: Outcome, **options: object) -> Report:
    report = build_report(outcome, files=FILES, versions={"Python": "3.x"}, **options)  # type: ignore[arg-type]
    kernel = KernelFacts("0" * 64, 1200, 1000, ("__main__.py", "cell.py"))
    return replace(report, trust=replace(report.trust, kernel=kernel))


@pytest.fixture(params=OUTCOMES)
def name(request):
    return request.param


@pytest.mark.parametrize("suffix", ["txt", "md", "tex"])
def test_snapshot(name, suffix):
    found = RENDERERS[suffix](report_of(OUTCOMES[name]()))
    path = SNAPSHOTS / f"report_{name}.{suffix}"
    if os.environ.get("REPORT_UPDATE"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_small_networks_are_written_out() -> None:
    """The formulas, read as such, have the values of the network."""
    layer = ([[1, "-1/3"], [-1, "1/3"], [0, 1]], [0, 0, "-1/2"])
    nets = [
        ReluNetwork.of([layer], ([[1, 1, 1], [0, -1, "2/7"]], [0, 1]), domain=Box([-1, -1], [1, 2])),
        MaxoutNetwork.of(
            [([[[1, 2], [0, -1]], [[1, 0], ["1/2", 1]]], [[0, 0], [1, "-1/9"]]), ([[[1, -1]]], [[2]])], ([["3/4"]], [5])
        ),
    ]
    for network in nets:
        card = network_card(network, "N", "left.json", HARD[0], "0" * 64)
        facts = [fact for fact in card.facts if fact[0][0] in "uy"]
        assert len(facts) == sum(network.widths) + network.outputs and card.digest == "0" * 64
        for point in ((F(1, 3), F(-2, 5)), (F(-1), F(7, 8))):
            values = {"x₁": point[0], "x₂": point[1], "max": max}
            for name, text in facts:
                values[name] = value_of(text, values)
            outputs = [values[name] for name, _ in facts[-network.outputs :]]
            assert tuple(outputs) == network.evaluate(point)
    assert not network_card(nets[0], "N", "", HARD[0]).digest
    wide = ReluNetwork.of([([[1] * 9], [0])], ([[1]], [0]))
    assert network_card(wide, "N", "", HARD[0], "0" * 64).facts[-1] == ("sha256", "0" * 64)


def value_of(text: str, values: dict[str, Any]) -> Any:
    """The value of a formula with exact numbers."""
    text = re.sub(
        r"(\d+(?:/\d+)?)(?: (?=[a-z]))?", lambda m: f"F('{m[1]}')" + ("*" if m[0].endswith(" ") else ""), text
    )
    names = {name: f"v{i}" for i, name in enumerate(values)}
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, names[name])
    return eval(text.replace("−", "-"), {"F": F, **{names[name]: value for name, value in values.items()}})


def test_json_round_trip(name):
    report = report_of(OUTCOMES[name]())
    again = Report.from_json(json.loads(json.dumps(report.to_json())))
    assert again == report
    assert render_html(again) == render_html(report)


def test_text_is_at_most_100_wide(name):
    assert max(map(len, render_text(report_of(OUTCOMES[name]())).splitlines())) <= 100


class Balanced(HTMLParser):
    VOID = frozenset({"meta", "link", "br", "hr", "img"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_balanced_and_self_contained(name):
    page = render_html(report_of(OUTCOMES[name]()))
    parser = Balanced(page)
    assert parser.open == []
    assert not {"link", "iframe", "object", "img"} & {tag for tag, _ in parser.seen}
    assert not any({"src", "onclick", "onload"} & attrs.keys() for _, attrs in parser.seen)
    links = {attrs["href"] for _, attrs in parser.seen if "href" in attrs}
    files = report_of(OUTCOMES[name]()).files
    assert links == {file for role, file in files if name != "unknown" or role in ("left", "right")}
    assert "http" not in page.replace("http-equiv", "") and "url(" not in page and "@import" not in page


def scripts(page: str) -> tuple[list[str], list[str]]:
    """The scripts of a page that run, and its data blocks."""
    found = re.findall(r"<script([^>]*)>(.*?)</script>", page, flags=re.DOTALL)
    assert page.count("<script") == len(found)
    return [body for mark, body in found if not mark], [body for mark, body in found if mark]


def test_the_policy_of_a_page_admits_its_own_script_and_nothing_else(name):
    page = render_html(report_of(OUTCOMES[name]()))
    running, data = scripts(page)
    assert running == ([OWN] if name in ("by_regions", "on_the_line") else []) and len(data) == len(running)
    digest = b64encode(sha256(OWN.encode()).digest()).decode()
    source = f"'sha256-{digest}'" if running else "'none'"
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src {source}"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page
    assert "<script" not in html_of(document_of(report_of(OUTCOMES[name]())), script=False)


def test_what_a_page_says_of_a_region():
    report = report_of(on_the_line())
    (block,) = scripts(render_html(report))[1]
    data = json.loads(block)
    assert [detail["region"] for detail in data["details"]] == [1, 2]
    assert data["pieces"] == [[0, 32000, 1], [32000, 64000, 2]] and data["sides"] == ["N", "T"]
    assert data["details"][1]["facts"] == [["N(x) = T(x)", "(x, 2 x + 1)"], ["inequalities", "x ≥ 0"]]
    assert data["details"][1]["values"][0] == ["layer 0, unit 0", ["1", "0"], ["1", "0"]]


def test_places_of_a_region_are_what_both_sides_compute_there():
    """Against exact evaluation at other points of the region, on both sides."""
    network = MaxoutNetwork.of(
        [([[[1, 0], [0, 1], [-1, -1]], [[1, 1], [0, 2], [0, 0]]], [[0, 0, 1], [0, 1, 0]])], ([[1, -1]], [2])
    )
    outcome = prove(network, method="regions", domain=Box([-2, -2], [2, 2]))
    assert traceable(outcome) and len(outcome.regions) > 3
    for region in outcome.regions:
        rows = {row.place: row for row in places_of(outcome, region)}
        assert list(rows) == ["layer 0, unit 0", "layer 0, unit 1", "output 0"]
        assert all(row.left == row.right for row in rows.values())
        *slopes, constant = map(Fraction, rows["output 0"].left)
        at = sum(a * x for a, x in zip(slopes, region.interior, strict=True)) + constant
        assert (at,) == evaluate_exactly(network, region.interior, Semantics())
        first, second = (
            sum(Fraction(a) * x for a, x in zip(rows[f"layer 0, unit {i}"].left, (*region.interior, 1), strict=True))
            for i in (0, 1)
        )
        assert at == first - second + 2


def test_a_region_without_room_has_no_places():
    outcome = prove(absolute(), method="regions", domain=Box([-1], [1]))
    flat = replace(outcome.regions[1], interior=(Fraction(0),))
    assert places_of(outcome, flat) == ()
    wrong = replace(outcome.regions[0], inequalities=(), interior=(Fraction(-1, 100),))
    assert places_of(outcome, wrong) == ()  # it crosses the kink


def hostile(value):
    """The JSON of a report with every free text replaced."""
    fixed = {"format", "verdict", "tie", "kind"}
    if isinstance(value, dict):
        return {k: v if k in fixed else hostile(v) for k, v in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value]
    return HOSTILE if isinstance(value, str) else value


def test_names_are_escaped_in_every_renderer(name):
    outcome = replace(OUTCOMES[name](), left=replace(OUTCOMES[name]().left, name=HOSTILE))
    plain = report_of(outcome)
    every = Report.from_json(hostile(json.loads(json.dumps(plain.to_json()))))
    for report in (plain, every):
        page, markdown, text = render_html(report), render_markdown(report), render_text(report)
        running, blocks = scripts(page)
        assert report is plain or not any("href" in attrs for _, attrs in Balanced(page).seen)
        assert running in ([], [OWN]) and all(isinstance(json.loads(block), dict) for block in blocks)
        assert not any("<" in block for block in blocks)
        assert "<script" not in re.sub(r"```sh\n.*?\n```\n", "", markdown, flags=re.DOTALL)
        assert Balanced(page).open == []
        for shown in (page, markdown, text):
            assert "\x1b" not in shown and "\u202e" not in shown
        assert [line for line in markdown.splitlines() if line.startswith("# ")] == [markdown.splitlines()[0]]


def test_markdown_tables_are_rectangular(name):
    outcome = OUTCOMES[name]()
    width = 0
    for line in render_markdown(report_of(replace(outcome, left=replace(outcome.left, name="a|b|c")))).splitlines():
        count = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        assert count == width or not width or not count
        width = count


def test_a_proof_without_certificate_says_so():
    report = report_of(replace(structural(), method="smt", certificate=None, theorem="equal, says z3", trusted=("z3",)))
    assert "  claim  equal, says z3" in render_text(report)
    for render in RENDERERS.values():
        text = render(report)
        assert "There is no certificate" in text and "The kernel was not involved" in text
        assert "0" * 64 not in text


def test_steps_of_a_structural_proof_with_multipliers():
    outcome = replace(structural(), certificate={"tree": [["holds", ["1", []], ["1", []]]]})
    assert "N and T are equal on all of D, by exact multipliers" in render_text(report_of(outcome))
    counts = {"compare": 1, "holds": 2, "empty": 1}
    outcome = replace(structural(), method="lazy", certificate={"tree": []}, counts=counts)
    text = render_text(report_of(outcome))
    assert "On 2 final cells" in text and "One final cell contains no point" in text


def test_two_networks_of_one_kind_get_numbered_symbols():
    report = report_of(replace(structural(), right=absolute("other"), compiled=None), title="Twice the same")
    text = render_text(report)
    assert "N₁(x) = N₂(x)" in text and "Attention" not in text and text.startswith("Twice the same\n====")


def test_many_regions_are_cut_in_the_table_and_not_in_the_picture():
    regions = quadrants() * 20
    report = report_of(replace(by_regions(), regions=regions))
    assert len(report.proof.regions) == 50
    assert "30 more regions are left out here; all cells are in certificate.json." in render_text(report)
    assert report.picture.drawn == 80


def test_many_units_show_the_first_of_every_layer():
    network = MaxoutNetwork.of([([[[1], [-1]]] * 100, [[0, 0]] * 100)], ([[1] * 100], [0]), domain=Box([-1], [1]))
    compiled = compile_network(network)
    report = report_of(replace(structural(), left=network, right=compiled.transformer, compiled=compiled))
    assert [u.more for u in report.correspondence.units] == [0] * 59 + [40]
    assert "40 more" in render_text(report)


def test_a_long_trace_is_cut_around_the_parting():
    trace = tuple(TraceLine(f"place {i}", "1", "1" if i < 500 else "2", i < 500) for i in range(900))
    found = report_of(replace(refuted(), trace=trace)).refutation
    assert found.trace[0].place == "place 485" and len(found.trace) == 60
    assert "840 more places" in render_text(report_of(replace(refuted(), trace=trace)))


# --- numbers ---------------------------------------------------------------------------------------


def test_long_numbers_are_rounded_in_text_and_whole_in_html():
    report = report_of(refuted())
    whole = refuted().witness.point[0]
    assert "≈ 0.33333 (exact in certificate.json)" in render_text(report)
    assert f"<code>{whole}</code></details>" in render_html(report)
    huge = F(1, 10**2500 + 1)
    report = report_of(replace(refuted(), witness=witness(huge)))
    assert str(huge) not in render_html(report) and "≈ 1.0000e-2500 (exact in certificate.json)" in render_html(report)


def test_numbers_beyond_the_digit_limit_of_python():
    assert exact_text(F(7**9000, 3)) == "≈ 2.5424e+7605"
    assert abbreviated(exact_text(F(7**9000, 3))) == "≈ 2.5424e+7605"


def test_points_and_maps_are_cut():
    assert point_text([F(1)] * 20).endswith("1, … 8 more)")
    text = map_text(Affine.of([[1] * 20] * 9, [0] * 9))
    assert "… 12 more terms" in text and text.endswith("… 5 more)")
    assert map_text(Affine.of([[0, 0], ["-1", "2/3"]], [0, 5])) == "(0, −x₁ + 2/3 x₂ + 5)"


def test_domains():
    def text(domain: Domain) -> str:
        return report_of(replace(structural(), domain=domain)).domain.text

    assert text(Domain.box(3, -1, "1/2")) == "[-1, 1/2]³"
    assert text(Domain.everything(2)) == "ℝ²"
    assert text(Box([0, None, 0], [1, 2, None])) == "[0, 1] × (−∞, 2] × [0, ∞)"
    assert text(Box([0] * 30, list(range(1, 31)))) == "[0, 1] × [0, 2] × [0, 3] × [0, 4] × … × [0, 30] (30 inputs)"
    card = report_of(replace(structural(), domain=Polyhedron([0], [1], [[1]] * 9, [1] * 9))).domain
    assert card.inequalities == ("x ≤ 1",) * 8 and card.left_out == 1


# --- reading a report again -------------------------------------------------------------------------


def spoil(value, rng):
    """A copy of JSON data with one random value replaced."""
    value = copy.deepcopy(value)
    node = value
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = rng.choice(keys)
        if isinstance(node[key], (dict, list)) and node[key] and rng.random() < 0.8:
            node = node[key]
        else:
            node[key] = rng.choice([v for v in (None, 1, "x", [], {}, True, [[]], 1.5) if v != node[key]])
            return value


def test_spoiled_reports_are_rejected_or_rendered_but_never_crash():
    rng = random.Random(1)
    for base in (by_regions(), refuted()):
        data = json.loads(json.dumps(report_of(base).to_json()))
        for _ in range(150):
            try:
                report = Report.from_json(spoil(data, rng))
            except InvalidInput:
                continue
            for render in RENDERERS.values():
                render(report)


def test_faults_name_the_place():
    data = report_of(structural()).to_json()
    with pytest.raises(InvalidInput, match=r"a\.json: format: expected exactformer/report-1, found other"):
        Report.from_json({**data, "format": "other"}, "a.json")
    with pytest.raises(InvalidInput) as caught:
        Report.from_json({**json.loads(json.dumps(data)), "verdict": "perhaps", "more": 1})
    assert "found key 'more' unknown" in caught.value.reasons[0]
    assert caught.value.reasons[1].endswith("report.verdict: expected one of proved, refuted, unknown, found perhaps")


# --- the picture -------------------------------------------------------------------------------------


def test_areas_of_the_cells_sum_to_the_box():
    domain = Box([-1, -1], [1, 2])
    polygons = cells(domain, window(domain, quadrants()), quadrants())
    assert sum(map(area, polygons)) == 6
    assert area(polygons[1]) == F(13, 8)  # x2 <= 1/2, 3 x1 >= x2


def test_areas_of_random_arrangements_sum_to_the_polygon():
    rng = random.Random(7)
    for _ in range(20):
        box = ((F(-rng.randint(1, 9), 7), F(rng.randint(1, 9), 5)), (F(-1, rng.randint(1, 9)), F(rng.randint(1, 9), 3)))
        whole = rectangle(box)
        pieces = [whole]
        for _ in range(8):
            a, b, c = (rng.randint(-3, 3) for _ in range(3))  # degenerate on purpose: parallel, repeated, zero lines
            if a or b:
                sides = (Inequality((a, b), c), Inequality((-a, -b), -c))
                pieces = [p for piece in pieces for p in (clipped(piece, [side]) for side in sides)]
        assert sum(map(area, pieces)) == area(whole) == (box[0][1] - box[0][0]) * (box[1][1] - box[1][0])
        assert all(area(piece) >= 0 for piece in pieces)


def test_picture_in_the_plane():
    picture = picture_of(Box([-1, -1], [1, 2]), quadrants())
    assert (picture.kind, picture.width, picture.height, picture.drawn) == ("plane", 640, 640, 4)
    assert (picture.horizontal, picture.vertical) == (Axis("x₁", "-1", "1"), Axis("x₂", "-1", "2"))
    assert len({shape.colour for shape in picture.shapes}) == 4
    same = picture_of(Box([-1, -1], [1, 2]), [replace(r, left=quadrants()[0].left) for r in quadrants()])
    assert len(same.shapes) == 1 and len(same.shapes[0].outlines) == 4


def test_picture_of_an_unbounded_or_cut_domain():
    picture = picture_of(Domain.everything(2), quadrants())
    assert picture.drawn == 4 and picture.horizontal.low == "-27/20"
    cut = Polyhedron([-1, -1], [1, 2], [[1, 1]], [0])
    polygons = cells(cut, window(cut, quadrants()), quadrants())
    box = rectangle(((F(-1), F(1)), (F(-1), F(2))))
    assert sum(map(area, polygons)) == area(clipped(box, [Inequality((-1, -1), 0)])) == 2


def test_flat_regions_are_not_drawn():
    flat = replace(quadrants()[0], inequalities=(Inequality((1, 0), 0), Inequality((-1, 0), 0)))
    assert picture_of(Box([-1, -1], [1, 2]), [flat]) is None
    assert picture_of(Box([-1, -1], [1, 2]), [*quadrants(), flat]).drawn == 4


def test_picture_on_the_line():
    outcome = on_the_line()
    picture = picture_of(outcome.domain, outcome.regions)
    assert (picture.kind, picture.vertical.low, picture.vertical.high) == ("graph", "-1", "3")
    assert picture.shapes[0].outlines == ((0, 16000, 32000, 24000, 64000, 16000),)
    assert picture.marks == (32000, 24000, 32000, 16000)
    jump = replace(outcome.regions[1], left=Affine.of([[1], [2]], [1, 1]))
    picture = picture_of(outcome.domain, (outcome.regions[0], jump))
    assert len(picture.shapes[0].outlines) == 2 and len(picture.shapes[1].outlines) == 1
    assert interval((F(0), F(1)), [Inequality((2,), -3)]) is None


def test_no_picture():
    assert picture_of(Box([0, 0], [1, 0]), quadrants()) is None  # the domain itself is flat
    assert picture_of(Box([0, 0], [1, 1]), ()) is None
    assert picture_of(Box([0] * 3, [1] * 3), quadrants()) is None


# --- trust -------------------------------------------------------------------------------------------


def test_kernel_facts_of_a_folder(tmp_path):
    (tmp_path / "b.py").write_text('"""Doc."""\n\nx = """a\nb"""\n')
    (tmp_path / "a.py").write_text("def f():\n    '''Doc.'''\n    # why\n    return 1  # one\n")
    facts = kernel_facts(tmp_path)
    assert (facts.files, facts.lines, facts.code_lines) == (("a.py", "b.py"), 8, 4)
    # LC_ALL=C sh -c 'sha256sum *.py | sha256sum'
    assert facts.sha256 == "3f9c643bd74742e1d9eb3122be201181a55b129ad1a5b1e72f8323a657b7df3f"


def test_kernel_facts_of_the_kernel():
    facts = kernel_facts()
    assert "claims.py" in facts.files and 0 < facts.code_lines < facts.lines
    report = build_report(structural(), files=FILES)
    assert report.trust.kernel == facts
    assert facts.sha256 in render_text(report) and dict(report.trust.versions)["Python"]


def test_every_rule_of_the_kernel_has_its_meaning_and_is_told():
    """Of a proof by cuts and bounds, the report says that there are such, and never that multipliers alone did it."""
    wave = ef.load(Path(__file__).parent.parent / "proofs" / "triangle-wave" / "left.json")
    found = ef.distance(wave, ef.compile(wave).transformer, right_temperature=64)
    assert found.outcome.counts["cut"] and found.outcome.counts.keys() <= RULES.keys()
    text = documents.render_text(document_of(build_report(found.outcome, files={})))
    told = " ".join(text.split())
    assert RULES["cut"] in told and "on which side of a hyperplane a point lies" in told and "by exact bounds" in told
    assert "which candidate of a maximum wins" not in told.replace(RULES["gate"], "")
    convex = documents.render_text(document_of(build_report(ef.verify(wave, claim="range:-9,9"), files={})))
    assert RULES["cut"] not in convex
