"""What a user may write with every documented name: accepted by `mypy --strict`, and run, by test_python_face.py."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np

import exactformer as ef
from exactformer import building, claims, piecewise, subdivision, theorems
from exactformer import functions as by_formulas
from exactformer.building import (
    Design,
    Space,
    block,
    constant_query_head,
    erase,
    head,
    linear,
    max_head,
    one_hot,
    relu,
    self_head,
    token,
    token_head,
    total,
    uniform_head,
    write,
)
from exactformer.claims import (
    AtMost,
    Concave,
    Convex,
    Decreasing,
    Equal,
    Increasing,
    Independent,
    Invariant,
    Range,
    TiesAgree,
    Within,
)
from exactformer.functions import Samples, to_sympy
from exactformer.prover.family import load_family
from exactformer.subdivision import sawtooth, sliced, write_certificate


def networks() -> tuple[ef.ReluNetwork, ef.MaxoutNetwork, ef.Transformer]:
    box = ef.Box([-1], ["1"])
    relu_net = ef.ReluNetwork.of([([[1], [-1]], [0, 0.0])], ([[1, 1]], [Fraction(0)]), domain=box, name="|x|")
    maxout = ef.MaxoutNetwork.of([(np.array([[[1], [-1]]]), [[0, 0]])], ([[Decimal(1)]], [0]), domain=box)
    parts: ef.Transformer = ef.Transformer(
        embedding=(ef.Affine.of([[0], [1], [0]], [1, 0, 0]), ef.Affine.of([[0], [-1], [0]], [1, 0, 0])),
        blocks=(ef.Block((ef.Head.of([[1, 0, 0]], [[0, 1, 0]], [[0, 1, 0]], [[0], [0], [1]]),), None),),
        token=0,
        readout=ef.Affine.of([[0, 0, 1]], [0]),
        domain=box,
    )
    layer: ef.MaxoutLayer = maxout.layers[0]
    assert layer.width == 1 and isinstance(
        ef.FeedForward(ef.Affine.of([[1]], [0]), ef.Affine.of([[1]], [0])).hidden, int
    )
    return relu_net, maxout, parts


def by_hand() -> ef.Transformer:
    inputs, state = Space("x"), Space("one", "z", "out", position=2)
    (x,), (one, z, out, position) = inputs.parts, state.parts
    design = Design(
        inputs=inputs,
        space=state,
        tokens=[
            token(one=1, z=x / 2 + "1/3" - Fraction(1, 3), position=one_hot(0, 2)),
            token(one=1, z=-x / 2, position=one_hot(1, 2)),
        ],
        blocks=[
            block(max_head(z, one=one, to=out), write(relu(z) - relu(z) + 0 * linear(z), to=z)),
            block(head(query=one, key=z, value=out, to=out), erase(z)),
            block(constant_query_head(one=total(position), key=z, value=0, to=z)),
            block(self_head(position=position, value=0, to=z), token_head(0, position=position, value=0, to=z)),
            block(uniform_head(value=[0 * z], to=[z]), erase(position, lower=0)),
        ],
        readout=out,
    )
    return design.build(name="|x| by hand", domain=ef.Box([-1], [1]))


def questions(relu_net: ef.ReluNetwork, maxout: ef.MaxoutNetwork, transformer: ef.Transformer) -> None:
    outcome: ef.Outcome = ef.verify(relu_net, transformer, method="lazy", tie="leftmost", timeout=60, seed=1, jobs=1)
    assert outcome.verdict == "proved" and outcome.proved and not outcome.refuted
    assert ef.verify(relu_net, by_hand(), domain=ef.Polyhedron([None], [None])).theorem is not None
    proof = ef.prove(relu_net, construction="global", method="regions", cross_check=(), sample=None, progress=None)
    compiled: ef.Compiled | None = proof.compiled
    assert compiled is not None and proof.regions
    correspondence: ef.Correspondence = compiled.correspondence
    ef.verify(relu_net, compiled.transformer, correspondence=correspondence)
    of_two: list[ef.Claim] = [Equal(), AtMost(), Within("1/100"), Within(Fraction(1, 3)), Within(0.5)]
    for claim in of_two:
        assert ef.verify(relu_net, maxout, claim=claim).verdict == "proved"
    of_one: list[tuple[ef.Claim | str, str]] = [
        (Range(0, 1), "proved"),
        (Range([0], [None]), "proved"),
        (Invariant([0]), "proved"),
        (TiesAgree(("average", "leftmost")), "proved"),
        (Independent([0]), "refuted"),
        (Increasing(), "refuted"),
        (Decreasing((0,)), "refuted"),
        (Convex(), "proved"),
        (Concave(), "refuted"),
        ("range:0,1", "proved"),
        (claims.read_claim("convex"), "proved"),
    ]
    for one, verdict in of_one:
        assert ef.verify(relu_net, claim=one).verdict == verdict
    found = ef.verify(relu_net, claim=Increasing())
    assert found.witness is not None and found.witness.left > found.witness.right


def regions(network: ef.Network, folder: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        found: ef.Regions = ef.regions(network, executor=executor, timeout=60)
    with ef.Record(folder / "run.record", {"question": "regions"}) as record:
        work = ef.Work(jobs=2, record=record)
        assert len(ef.regions(network, work=work)) == 2
    assert (found.activation_regions, found.linear_regions, found.distinct_affine_maps) == (2, 2, 2)
    region = found[0]
    assert region.volume == 1 and region.affine.inputs == 1 and len(region.vertices) == 2 and region.rows
    assert found.find(["1/3"]) and found(["1/3"]) == (Fraction(1, 3),)
    found.save_npz(folder / "regions.npz")
    found.save_npz(str(folder / "regions.npz"))
    ef.draw(found, folder / "regions.svg", colour="map")
    subdivision.draw(found, str(folder / "regions.png"), names=("x",))
    assert ef.check(write_certificate(found, folder / "count")).holds
    assert ef.check(write_certificate(found, str(folder / "count"))).holds
    line: ef.Network = sliced(sawtooth(depth=2), ["1/2"], [[1]], ef.Box([0], ["1/2"]))
    assert ef.regions(line).complete


def folders(outcome: ef.Outcome, folder: Path) -> None:
    for place in (folder / "proof", str(folder / "proof")):
        ef.write_folder(outcome, place, obligations=True, kernel=False)
        checked: ef.Checked = ef.check(place, timeout=60)
        chain: ef.Chain = ef.chain([place, place])
        ef.write_chain(chain, folder / "chain")
        assert checked.holds and checked.claim == "equal"
    page = ef.report(outcome)
    assert str(page) and page.html() and page.markdown()
    for file in (folder / "left.json", str(folder / "left.json")):
        ef.save(outcome.left, file)
        again: ef.Network = ef.load(file)
        assert ef.digest(again) == ef.digest(outcome.left)


def family(folder: Path) -> None:
    def pairs() -> Iterator[ef.ReluNetwork]:
        for slope in range(3):
            yield ef.ReluNetwork.of([([[1]], [0])], ([[slope]], [0]), domain=ef.Box([-1], [1]))

    result: ef.FamilyResult = ef.verify_family(pairs(), claim="convex", limit=2, timeout=60, method="auto", seed=3)
    assert result.verdict == "proved" and result.proved == 2
    file = folder / "family.py"
    file.write_text("def pairs():\n    return iter(())\n", encoding="utf-8")
    assert load_family(str(file))[1] is None


def numbers(transformer: ef.Transformer) -> None:
    assert transformer.evaluate(["-1/3"], tie="rightmost") == (Fraction(1, 3),)
    assert transformer.evaluate(np.array([0.5])) == (Fraction(1, 2),)
    soft = ef.evaluate_batch(transformer, [[0.5], [-1]], temperature=Fraction(64))
    hard = ef.evaluate_batch(transformer, np.array([[0.5], [-1.0]]), tie="leftmost")
    assert soft.shape == hard.shape == (2, 1) and hard.tolist() == [[0.5], [1.0]]
    softened: ef.Outcome = ef.verify(transformer, transformer, left_temperature=2, right_temperature=["1/3"], base="2")
    witness = softened.witness
    assert witness is not None
    for value in (*witness.left, *witness.right):
        low: Fraction = value.lower if isinstance(value, ef.Enclosure) else value
        print(low, value)


def measures(relu_net: ef.ReluNetwork, transformer: ef.Transformer) -> None:
    apart: ef.Distance = ef.distance(relu_net, transformer, right_temperature=8, ratio="3/2", timeout=60, seed=1)
    assert apart.upper is not None and apart.lower is not None and apart.lower <= apart.upper
    assert apart.outcome is not None and apart.outcome.proved and apart.point is not None
    found: ef.OutputRange = ef.range(relu_net, domain=ef.Box([-1], [2]))
    assert (found.lower, found.upper) == ((Fraction(0),), (Fraction(2),)) and found.maxima[0].exact
    enough: ef.Distance = ef.temperature(relu_net, epsilon=Fraction(1, 10), base="2")
    assert enough.temperature and enough.verdict == "proved"
    print(apart, found, enough)


def engines(relu_net: ef.ReluNetwork, place: Path) -> None:
    made: ef.Export = ef.export(relu_net, type="float32", tie="leftmost")
    assert made.certain and made.changed == 0 and made.npz() and made.transformer == made.exact
    written: tuple[str, ...] = ef.write_export(made, place, formats=("onnx", "npz"))
    seen: ef.Replay = ef.replay(place, points=2)
    assert "transformer.onnx" in written and all(each.points <= 2 for each in seen.seen)


def refused(network: ef.Network) -> None:
    for error in (ef.InvalidInput, ef.ExactformerError):
        try:
            ef.verify(network, claim="convx")
        except error as caught:
            assert "did you mean convex?" in str(caught)
    assert issubclass(ef.Unsupported, ef.ExactformerError) and issubclass(ef.CertificateRejected, ef.ExactformerError)
    assert ef.errors.InvalidInput is ef.InvalidInput and ef.building is building and ef.__version__


def functions(relu_net: ef.ReluNetwork) -> None:
    x, y = ef.CPWL.variables(2)
    f: ef.CPWL = abs(x).max(y, 0) + 2 * x.min(y) / 3 + 1
    value: Fraction = f(["1/2", 0])
    assert value == f.values([(0.5, 0)])[0] and f == f.simplified() and f.differs(f + 1) is not None
    least: piecewise.Extremum = f.restricted(ef.Box([0, 0], [1, 1])).minimum()
    assert least.value is not None and f.maximum().direction is not None and not f.is_convex and not f.is_concave
    hat = ef.CPWL.knots([-1, 0, 1], [0, 1, 0], left=0, right=0)
    assert hat.then(hat).after(ef.Affine.of([[2]], [0]))(0) == 0 and hat.pieces and hat.walls
    cells = ef.CPWL.of([(ef.Box([None], [0]), ([-1], 0)), (ef.Box([0], [None]), ([1], 0))])
    assert (
        cells.restricted(ef.Box([-1], [1]))
        == ef.CPWL.of_network(relu_net)
        == ef.CPWL.of_sympy(cells.sympy()).restricted(ef.Box([-1], [1]))
    )
    assert ef.CPWL.on_grid([[0, 1]], [0, 1]) == ef.CPWL.on_triangulation([[0], [1]], [[0, 1]], [0, 1])
    assert f.text() and f.latex() and issubclass(piecewise.Discontinuous, ef.InvalidInput)
    assert ef.CPWL.affine([1], 0, ef.Box([0], [1])).picture().drawn == 1
    forms = piecewise.forms_of(hat)
    assert piecewise.forms_text(forms) and piecewise.network_of(hat, "units").inputs == 1
    assert piecewise.hinges_of(hat) and piecewise.regularity(hat.cells, hat.walls)
    assert piecewise.cpwl_to_one_head(hat) and piecewise.maximum_of_five().inputs == 5


def formulas(folder: Path) -> None:
    f: ef.Function = ef.function("sin(3*x) + x^2/2", ["x"], domain=ef.Box([0], [1]), name="wave")
    ef.save(f, folder / "wave.json")
    assert ef.load(folder / "wave.json") == f == ef.Function(f.inputs, f.steps, f.domain, f.name)
    value: Fraction | ef.Enclosure = f.evaluate(["1/2"])[0]
    assert f.formula and f.latex and ef.evaluate_batch(f, [[0.5]]).shape == (1, 1)
    again: ef.Function = ef.function(to_sympy(f), variables=["x"])
    sampled = ef.Sampled(lambda a: a / 2, "1/2", ef.Box([0], [1]), name="half")
    samples: Samples = sampled.sample([[0, 1]])
    near: ef.Approximation = ef.approximate(f, epsilon="1/5", hard=True, timeout=60)
    assert near.verdict == "proved" and near.upper == Fraction(1, 5) and near.transformer.inputs == 1
    print(value, again, samples.hypotheses, by_formulas.to_sympy(f))


def laboratory() -> None:
    found: theorems.Finding = theorems.check("T12", rank=2, instances=2)
    whole: theorems.Findings = ef.theorems.check_all(["T12"], instances=2, jobs=1)
    first: theorems.Theorem = theorems.THEOREMS[0]
    print(found, whole.document().title, first.number, theorems.theorems_of(["T1"]))


def main() -> None:
    relu_net, maxout, transformer = networks()
    domain: ef.Domain = ef.Domain.box(1, -1, 1)
    assert domain == relu_net.domain
    assert ef.compile(maxout, construction="tournament", arity=3, domain=domain).sizes
    questions(relu_net, maxout, transformer)
    numbers(transformer)
    measures(relu_net, transformer)
    functions(relu_net)
    refused(relu_net)
    with tempfile.TemporaryDirectory() as name:
        regions(relu_net, Path(name))
        formulas(Path(name))
        folders(ef.prove(relu_net), Path(name))
        family(Path(name))
    with tempfile.TemporaryDirectory() as name:
        engines(relu_net, Path(name) / "export")
    laboratory()
    print("done")


if __name__ == "__main__":
    main()
