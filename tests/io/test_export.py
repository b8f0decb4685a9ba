"""Transformers for other engines: opened by onnx and onnxruntime, read again, and near the exact ones by a theorem."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import exactformer as ef
from exactformer.cli import main
from exactformer.errors import InvalidInput, Unsupported
from exactformer.exporting import Export, export, replay, write_export
from exactformer.formats import arrays as reader
from exactformer.formats.graphs.graph import Refusal
from exactformer.formats.graphs.rounding import last_place, nearest
from exactformer.rational import Matrix, Vector

sys.path.insert(0, str(Path(__file__).parent.parent))
from strategies import SMALL, transformers

Run = Callable[..., tuple[int, str, str]]
TIES = ("average", "leftmost", "rightmost")
PROVED, UNKNOWN, BAD_INPUT = 0, 2, 3

SQUARE = ef.ReluNetwork.of([([[1, 2], [-1, 1]], [0, "1/2"])], ([[1, -1]], [0]), domain=ef.Box([-1, -1], [1, 1]))
THIRDS = ef.MaxoutNetwork.of([([[["1/3"], [-1]]], [[0, 0]])], ([[1], [2]], [0, 1]), domain=ef.Box([-1], [1]))
WHOLE = ef.MaxoutNetwork.of(
    [([[[1, 0], [0, 1], [1, 1]], [[2, -1], [0, 0], [0, -1]]], [[0, 0, -1], [0, 1, 0]])],
    ([[1, -1], [0, 2]], [0, 1]),
    domain=ef.Box([-3, -3], [3, 3]),
)
POINTS = [[0, 0], [1, -1], [2, 3], [-3, 1], [1, 1], [3, 0]]


def computed(data: bytes, points: Any, type: str) -> Any:
    """What onnxruntime makes of a file that the checker of onnx accepts."""
    onnx.checker.check_model(onnx.load_from_string(data), full_check=True)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(data, options, ["CPUExecutionProvider"])
    return session.run(None, {"x": np.array(points, type)})[0]


def exactly(made: Export, points: Any) -> Any:
    return np.array([[float(y) for y in made.transformer.evaluate(p, tie=made.tie)] for p in points])


# --- rounding -------------------------------------------------------------------------------------


@given(st.fractions(max_denominator=10**40) | st.floats(allow_nan=False, allow_infinity=False).map(Fraction))
def test_the_nearest_float64_is_that_of_python(x: Fraction) -> None:
    assert nearest(x, "double") == Fraction(float(x))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 1e38), st.fractions(0, 1))
def test_the_nearest_float32_is_one_of_two_neighbours(x: float, share: Fraction) -> None:
    low, high = Fraction(x), Fraction(float(np.nextafter(np.float32(x), np.float32(np.inf))))
    middle = low + share * (high - low)
    found = nearest(middle, "float")
    if share != Fraction(1, 2):
        assert found == (low if share < Fraction(1, 2) else high)
    else:  # the one whose last bit is 0
        assert found in (low, high) and np.float32(float(found)).view(np.uint32) % 2 == 0


def test_units_in_the_last_place_are_those_of_numpy() -> None:
    for x in (1.0, 1.5, 3.0, 1e-45, 1e-38, 0.1, 2.0**100):
        assert last_place(Fraction(float(np.float32(x))), "float") == Fraction(float(np.spacing(np.float32(x))))
    assert last_place(Fraction(0), "double") == Fraction(5e-324)


def test_a_number_beyond_the_type_is_refused() -> None:
    assert nearest(Fraction(float(np.finfo(np.float32).max)), "float") == Fraction(float(np.finfo(np.float32).max))
    with pytest.raises(Refusal):
        nearest(Fraction(2) ** 128 - Fraction(2) ** 103, "float")
    huge = ef.ReluNetwork.of([([[10**39]], [0])], ([[1]], [0]), domain=ef.Box([0], [1]))
    with pytest.raises(InvalidInput, match=r"blocks\[\d\].*expected numbers that the type float reaches"):
        export(huge, type="float32")


# --- onnxruntime ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("construction", ["gated", "global", "no-residual", "single-head", "tournament", "causal"])
def test_onnxruntime_computes_what_is_exact_in_floats(construction: str, tie: Any) -> None:
    for type in ("float64", "float32"):
        made = export(WHOLE, construction=construction, tie=tie, type=type)  # type: ignore[arg-type]
        assert made.changed == 0 and made.distance is None and made.certain
        assert (computed(made.onnx(), POINTS, type) == exactly(made, POINTS)).all()


def test_softmax_is_that_of_the_exact_transformer() -> None:
    for rates in (3, ["1/2"]):
        made = export(WHOLE, temperature=rates)
        wanted = ef.evaluate_batch(made.exact, POINTS, temperature=made.temperature)
        assert np.allclose(computed(made.onnx(), POINTS, "float64"), wanted, rtol=1e-12, atol=1e-12)
        assert made.reading == "softmax"


@settings(max_examples=20)
@given(transformers(SMALL), st.sampled_from(TIES), st.data())
def test_any_transformer_is_opened_read_again_and_equal(made: ef.Transformer, tie: Any, data: Any) -> None:
    points = data.draw(st.lists(st.tuples(*[st.integers(-3, 3)] * made.inputs), min_size=1, max_size=3))
    shown = export(made, tie=tie)
    assert shown.transformer == made and shown.correspondence is None
    found = computed(shown.onnx(), points, "float64")
    assert np.allclose(found, exactly(shown, points), rtol=1e-9, atol=1e-9)
    for bytes_of, parse in ((shown.npz, reader.parse_npz), (shown.safetensors, reader.parse_safetensors)):
        again = parse(bytes_of(), "net", made.name).network
        assert bytes_of() == bytes_of()
        for point in points:
            assert again.evaluate(point, tie=tie) == made.evaluate(point, tie=tie)


def test_what_is_too_large_to_be_dense_is_refused() -> None:
    height, width = 1 << 14, 1 << 14
    embedding = ef.Affine(Matrix((height, width)), Vector((0,) * height))
    wide = ef.Transformer((embedding,), (), 0, ef.Affine(Matrix((1, height)), Vector((0,))))
    with pytest.raises(Unsupported, match="at most 134217728 numbers in dense arrays"):
        export(wide)


# --- weights by name ------------------------------------------------------------------------------


def named(**changed: Any) -> dict[str, Any]:
    """The arrays of a small export, some of them changed, or left out where they are None."""
    arrays = dict(np.load(BytesIO(export(WHOLE, construction="causal").npz())))
    arrays |= {name.replace("__", "."): value for name, value in changed.items()}
    return {name: array for name, array in arrays.items() if array is not None}


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no offsets": ({"embedding__offsets": None}, "one of the name embedding.offsets"),
    "no token": ({"readout__token": None}, "one of the name readout.token"),
    "two tokens": ({"readout__token": np.array([0, 1])}, "one integer"),
    "a token as a float": ({"readout__token": np.array(1.0)}, "one integer"),
    "a token that is not there": ({"readout__token": np.array(99)}, "a token from 0 to"),
    "a flag of 2": ({"residual": np.array(2)}, "0 or 1"),
    "another name": ({"blocks__0__heads__keys": np.zeros((1, 1, 1))}, "a name such as"),
    "a block too far": ({"blocks__9__feedforward__w1": np.zeros((1, 1))}, "a block 8 before block 9"),
    "a matrix alone": ({"blocks__1__heads__key": None}, "one of the name blocks.1.heads.key"),
    "other heads": ({"blocks__1__heads__key": np.zeros((9, 1, 1))}, "as many heads"),
    "heads without axes": ({"blocks__1__heads__key": np.zeros(3)}, "as many heads"),
    "another width": ({"readout__weights": np.zeros((1, 1))}, "readout.weights"),
    "a flat embedding": ({"embedding__weights": np.zeros((3, 3))}, "3 axes"),
    "not a number": ({"readout__biases": np.array([np.nan, 0])}, "readout.biases"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_bad_arrays_are_refused_with_their_names(case: str) -> None:
    changed, message = FAULTS[case]
    stream = BytesIO()
    np.savez(stream, **named(**changed))
    with pytest.raises(InvalidInput) as caught:
        reader.parse_npz(stream.getvalue(), "net.npz")
    assert any(message in reason and reason.startswith("net.npz: ") for reason in caught.value.reasons)


def test_metadata_says_where_the_units_live() -> None:
    made = export(WHOLE)
    said = json.loads(np.load(BytesIO(made.npz()))[reader.METADATA].tobytes())
    assert said["exact"] == ef.digest(made.exact) and said["exported"] == ef.digest(made.transformer)
    assert said["correspondence"]["units"][0]["layer"] == 0
    properties = {each.key: each.value for each in onnx.load_from_string(made.onnx()).metadata_props}
    assert json.loads(properties[reader.METADATA]) == said


# --- how near -------------------------------------------------------------------------------------


def test_rounded_weights_are_near_by_a_theorem() -> None:
    made = export(THIRDS, type="float32", timeout=10)
    assert made.changed > 0 and made.distance is not None and made.distance.outcome is not None
    assert made.certain and made.distance.outcome.right == made.transformer
    upper = made.distance.upper
    assert upper is not None and 0 < upper < Fraction(1, 10**6)
    for point in ("1/2", -1, "0.3"):
        pairs = zip(made.exact.evaluate([point]), made.transformer.evaluate([point]), strict=True)
        assert max(abs(x - y) for x, y in pairs) <= upper


def test_rounded_weights_under_softmax_are_as_near_as_hard_ones() -> None:
    made = export(THIRDS, type="float32", temperature=7, timeout=10)
    assert made.distance is not None and made.distance.outcome is not None and made.certain
    upper, folded = made.distance.upper, made.distance.outcome.left
    assert upper is not None and 0 < upper < Fraction(1, 10**6)
    same = ef.verify(made.exact, folded, left_temperature=7, right_temperature=1, domain=THIRDS.domain, timeout=60)
    assert same.proved and made.distance.outcome.right == made.transformer


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="type: expected"):
        export(SQUARE, type="float16")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="construction: expected none for a Transformer"):
        export(export(SQUARE).exact, construction="global")
    with pytest.raises(InvalidInput, match="temperature"):
        export(SQUARE, temperature=[1, 2, 3, 4])
    with pytest.raises(InvalidInput, match="formats: expected names among onnx"):
        write_export(export(SQUARE), "somewhere", formats=["pickle"])


# --- the command line -----------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name, network in (("square", SQUARE), ("thirds", THIRDS), ("whole", WHOLE)):
        ef.save(network, f"{name}.json")

    def result(*words: object) -> tuple[int, str, str]:
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err and "internal error" not in err
        return code, out, err

    return result


def test_a_folder_is_written_checked_and_replayed(run: Run) -> None:
    code, out, _ = run(
        "export", "thirds.json", "--type", "float32", "--formats", "onnx,npz,safetensors,torch", "--timeout", 10
    )
    assert code == PROVED and out.startswith("PROVED  sup |exact(x) − exported(x)| ≤ ")
    folder = Path("thirds-export")
    assert run("check", folder / "rounding")[0] == PROVED
    assert ef.load(folder / "transformer.npz").size == ef.load(folder / "exported.json").size
    assert "numbers that are no float32" in (folder / "report.txt").read_text()
    code, out, _ = run("replay", folder, "--points", 5, "--json")
    found = json.loads(out)
    assert code == PROVED and found["verdict"] == "replayed" and found["attention"] == "average"
    assert found["read_again"] == "proved"
    assert {each["points_of"] for each in found["runs"]} == {"random", "cells", "kinks"}
    assert all(float(each["difference"]) < 1e-5 and each["not_finite"] == 0 for each in found["runs"])
    assert run("replay", folder, "--quiet") == (PROVED, "", "")
    # The same again gives way to another export, whose folder has no proof, as nothing is rounded.
    assert run("export", "whole.json", "--out", folder, "--quiet")[0] == PROVED
    assert not (folder / "rounding").exists() and not (folder / "transformer.npz").exists()
    code, out, _ = run("export", "whole.json", "--out", folder, "--json")
    assert json.loads(out)["upper"] == "0" and json.loads(out)["certificate"] is None


def test_the_original_is_replayed_beside_the_export(run: Run) -> None:
    Path("net.onnx").write_bytes(export(export(WHOLE).exact).onnx())
    small = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Relu", ["x"], ["y"])],
            "g",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 2])],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 2])],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=10,
    )
    Path("relu.onnx").write_bytes(small.SerializeToString())
    assert run("export", "relu.onnx", "--box", "-1", "1", "--quiet")[0] == PROVED
    found = json.loads(run("replay", "relu-export", "--points", 3, "--json")[1])
    assert {each["network"] for each in found["runs"]} == {"exported", "original"}
    assert run("export", "whole.json", "--quiet")[0] == PROVED
    code, _, err = run("replay", "whole-export", "--original", "square.json")
    assert code == BAD_INPUT and "square.json: expected a network that onnxruntime opens" in err
    found = json.loads(run("replay", "whole-export", "--original", "relu.onnx", "--points", 3, "--json")[1])
    assert {each["type"] for each in found["runs"] if each["network"] == "original"} == {"float32"}


def test_bad_input_is_refused(run: Run) -> None:
    assert run("export", "square.json", "--quiet")[0] == PROVED
    onnx_file = Path("square-export/transformer.onnx")
    onnx_file.write_bytes(onnx_file.read_bytes() + b"\0")
    code, _, err = run("replay", "square-export")
    assert code == BAD_INPUT and "expected its files as they were written, found others: transformer.onnx" in err
    code, _, err = run("export", "square.json")
    assert code == BAD_INPUT and "expected nothing there, or what exactformer wrote" in err
    Path("other").mkdir()
    Path("other/export.json").write_text("[]")
    for words, message in (
        (("replay", "other"), "expected an export of exactformer"),
        (("replay", "nowhere"), "nowhere/export.json"),
        (("export", "square.json", "--out", "other"), "expected nothing there"),
        (("export", "square.json", "--formats", "onnx,pickle"), "expected some of onnx,npz,safetensors,torch"),
        (("export", "square.json", "--temperature", "-1", "--out", "new"), "a number > 0"),
        (("export", "square-export/exact.json", "--construction", "global"), "--construction"),
        (("export", "square.json", "--everywhere", "--out", "new"), "square.json"),
        (("replay", "other", "--points", "0"), "argument --points"),
    ):
        code, _, err = run(*words)
        assert code == BAD_INPUT and message in err, (words, err)
    assert Path("other/export.json").read_text() == "[]"


def test_a_network_without_a_bound_is_exported_and_unknown(run: Run) -> None:
    code, out, _ = run(
        "export", "thirds.json", "--construction", "global", "--everywhere", "--out", "far", "--timeout", 9, "--json"
    )
    assert code == UNKNOWN and json.loads(out)["verdict"] == "unknown" and json.loads(out)["reason"]
    assert Path("far/transformer.onnx").exists() and not Path("far/rounding/certificate.json").exists()


def test_a_replay_is_no_verdict(run: Run) -> None:
    assert run("export", "square.json", "--quiet")[0] == PROVED
    found = replay("square-export", points=2)
    assert found.read_again == "proved"  # without a head this is a ReLU network: proved, not the same
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(found)
    assert "what rounding in the engine adds" in str(found)
