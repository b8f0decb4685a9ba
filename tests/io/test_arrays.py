"""Weights by name, in archives of NumPy and in safetensors: exact, bounded, never unpickled."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save as safetensors_bytes

import exactformer as ef
from exactformer.cli import main
from exactformer.errors import InvalidInput
from exactformer.formats import arrays as reader

Array = np.ndarray[Any, Any]
RELU: dict[str, Array] = {
    "layers.0.weights": np.array([[1, 2], [0.1, -1], [0, 3]], np.float32),
    "layers.0.biases": np.array([0.5, 0, -1], np.float32),
    "layers.1.weights": np.array([[1, 1, -1]], np.float64),
    "layers.1.biases": np.array([0.1]),
    "output.weights": np.array([[2], [-1]], np.int8),
    "output.biases": np.array([0, 1], np.int64),
}
MAXOUT: dict[str, Array] = {
    "layers.0.weights": np.array([[[1.0, 0], [0, 1], [1, 1]]], np.float16),
    "layers.0.biases": np.array([[0.0, 0, -1]], np.float16),
    "output.weights": np.array([[1.0]], np.float16),
    "output.biases": np.array([0.0], np.float16),
}


def npz(arrays: dict[str, Array], save: Callable[..., Any] = np.savez) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


WRITERS = {"npz": npz, "packed.npz": lambda arrays: npz(arrays, np.savez_compressed), "safetensors": safetensors_bytes}


@pytest.mark.parametrize("end", WRITERS)
def test_relu_and_maxout_networks(end: str, tmp_path: Path) -> None:
    place = tmp_path / f"net.{end}"
    place.write_bytes(WRITERS[end](RELU))
    found = ef.load(place)
    assert (found.kind, found.size, found.name) == ("relu", "2-3-1-2", place.stem)
    tenth = Fraction(float(np.float32(0.1)))
    unit = Fraction(0.1) + Fraction(3, 2) + max(tenth, 0)
    assert found.evaluate([1, 0]) == (2 * unit, 1 - unit)
    place.write_bytes(WRITERS[end](MAXOUT))
    found = ef.load(place)
    assert (found.kind, found.size) == ("maxout", "2-1-1")
    assert found.evaluate([2, 3]) == (4,) and found.evaluate([-2, -3]) == (-2,)


def test_an_output_alone_and_arrays_in_the_order_of_fortran(tmp_path: Path) -> None:
    weights = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    (tmp_path / "a.npz").write_bytes(npz({"output.weights": weights, "output.biases": np.zeros(2)}))
    assert ef.load(tmp_path / "a.npz").evaluate([1, 10, 100]) == (210, 543)
    big = RELU | {"output.weights": RELU["output.weights"].astype(">i4")}
    (tmp_path / "b.npz").write_bytes(npz(big))
    assert ef.load(tmp_path / "b.npz").evaluate([1, 0]) == reader.parse_npz(npz(RELU), "").network.evaluate([1, 0])


def test_short_floats_of_safetensors() -> None:
    header = {
        "output.weights": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]},
        "output.biases": {"dtype": "F16", "shape": [1], "data_offsets": [4, 6]},
    }
    text = json.dumps(header).encode()
    data = struct.pack("<Q", len(text)) + text + struct.pack("<HHH", 0x3FC0, 0xC000, 0x3E00)  # 3/2, -2, 3/2
    assert reader.parse_safetensors(data, "x").network.evaluate([1, 1]) == (1,)


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.npz").write_bytes(npz(RELU))
    (tmp_path / "net.safetensors").write_bytes(safetensors_bytes(RELU))
    assert main(["supports", str(tmp_path / "net.npz")]) == 0
    words = ["verify", str(tmp_path / "net.npz"), str(tmp_path / "net.safetensors"), "--out", str(tmp_path / "proof")]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("supported: relu net: 2-3-1-2\nPROVED")


# --- refused ---------------------------------------------------------------------------------------


def without(name: str) -> dict[str, Array]:
    return {key: array for key, array in RELU.items() if key != name}


def objects() -> dict[str, Any]:
    return RELU | {"output.biases": np.array([{}, []], dtype=object)}


FAULTY: dict[str, tuple[dict[str, Any], str]] = {
    "no output": (without("output.biases"), "arrays: expected one of the name output.biases, found layers.0."),
    "a gap": (without("layers.0.weights"), "expected one of the name layers.0.weights"),
    "a missing layer": (
        {name.replace("layers.1", "layers.7"): array for name, array in RELU.items()},
        "expected one of the name layers.1.weights",
    ),
    "another name": (
        RELU | {"fc1.weight": np.zeros((1, 1))},
        "array 'fc1.weight': expected a name such as layers.0.weights",
    ),
    "NaN": (RELU | {"output.biases": np.array([0, np.nan])}, "output.biases[1]: expected a finite number, found nan"),
    "infinity": (
        RELU | {"layers.1.weights": np.array([[1, np.inf, 0]])},
        "layers[1].weights[0][1]: expected a finite number",
    ),
    "widths": (RELU | {"output.weights": np.ones((2, 2))}, "output.weights: expected 1 columns, found 2"),
    "axes": (
        RELU | {"layers.0.weights": np.ones(3)},
        "expected weights[unit][input], or all weights[unit][piece][input]",
    ),
    "two kinds": (
        RELU | {"layers.1.weights": np.ones((1, 1, 3))},
        "or all weights[unit][piece][input], found [2, 3] axes",
    ),
    "truth values": (RELU | {"output.biases": np.array([True, False])}, "array 'output.biases': expected"),
}


@pytest.mark.parametrize("end", ["npz", "safetensors"])
@pytest.mark.parametrize("name", FAULTY)
def test_faulty_networks(name: str, end: str) -> None:
    arrays, message = FAULTY[name]
    parse = {"npz": reader.parse_npz, "safetensors": reader.parse_safetensors}[end]
    with pytest.raises(InvalidInput) as caught:
        parse(WRITERS[end](arrays), "net")
    assert any(message in reason for reason in caught.value.reasons), caught.value.reasons
    assert all(reason.startswith("net: ") for reason in caught.value.reasons)


def test_pickled_arrays_are_not_unpickled(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(tmp_path / "harm"), "w")

    data = npz(RELU | {"output.biases": np.array([Harm()], dtype=object)})
    with pytest.raises(InvalidInput, match="found object, which is never unpickled"):
        reader.parse_npz(data, "net")
    (tmp_path / "net.npz").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(InvalidInput, match="expected an archive of NumPy, found: File is not a zip file"):
        ef.load(tmp_path / "net.npz")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("end", [".pt", ".PTH", ".pkl", ".pickle", ".joblib", ".ckpt"])
def test_pickled_files_are_never_loaded(end: str, tmp_path: Path) -> None:
    (tmp_path / f"net{end}").write_bytes(b"anything")
    with pytest.raises(InvalidInput) as caught:
        ef.load(tmp_path / f"net{end}")
    found = f"found {end}, a pickle, which may run programs and is never loaded"
    other = "export it as ONNX (torch.onnx.export), .safetensors or .npz, or load the object itself in Python"
    assert str(caught.value) == f"{tmp_path / f'net{end}'}: expected a file of numbers alone, {found}; {other}"


def declared(shape: str) -> bytes:
    """An archive whose one array says that it has another shape."""
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("output.biases.npy", array.getvalue().replace(b"(3,), }" + b" " * 8, shape.encode().ljust(15)))
    return stream.getvalue()


@pytest.mark.parametrize("shape", ["(900000000,), }", "(-3,), }", "(10**9,), }", "'x' }", "(3,3), }"])
def test_shapes_that_are_not_there(shape: str) -> None:
    with pytest.raises(InvalidInput, match=r"^net: "):
        reader.parse_npz(declared(shape), "net")


def test_archives_that_grow_are_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"layers.{i}.weights.npy", b"\0" * (1 << 27))
    with pytest.raises(InvalidInput, match="expected at most 268435456 bytes when unpacked, found more"):
        reader.parse_npz(stream.getvalue(), "net")


def test_more_arrays_than_a_network_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST", 3)
    for i in (1, 2):
        stream = io.BytesIO()
        np.savez(stream, **{f"layers.{n}.{part}": np.ones(1) for n in range(i) for part in ("weights", "biases")})
        with pytest.raises(InvalidInput) as caught:
            reader.parse_npz(stream.getvalue(), "net")
        assert ("net: expected at most 3 arrays, found 4" in caught.value.reasons) == (i == 2)


@pytest.mark.parametrize("data", [b"", b"PK", bytes(range(200)), b"\xff" * 100, b"\x80\x04]."])
def test_what_is_no_such_file(data: bytes) -> None:
    for parse in (reader.parse_npz, reader.parse_safetensors):
        with pytest.raises(InvalidInput, match=r"^net: expected a"):
            parse(data, "net")


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["npz", "packed.npz", "safetensors"]))
def test_damaged_files_are_refused_or_read(data: st.DataObject, end: str) -> None:
    whole = bytearray(WRITERS[end](RELU))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    parse = reader.parse_safetensors if end == "safetensors" else reader.parse_npz
    try:
        parse(bytes(whole), "net")
    except InvalidInput as error:
        assert all(reason.startswith("net: ") for reason in error.reasons)


def test_without_the_library(tmp_path: Path) -> None:
    place = tmp_path / "net.safetensors"
    place.write_bytes(safetensors_bytes(RELU))
    code = "import sys; sys.modules['safetensors'] = None; from exactformer.cli import main; print(main(sys.argv[1:]))"
    words = [sys.executable, "-c", code, "supports", str(place)]
    found = subprocess.run(words, capture_output=True, text=True, check=True)
    message = "expected the package safetensors, found none; pip install 'exactformer[io]'"
    assert (found.stdout, found.stderr) == ("3\n", f"exactformer: {place}: {message}\n")


def test_reading_a_network_imports_no_framework() -> None:
    names = {"onnx", "safetensors", "torch", "sklearn", "numpy"}
    code = f"import sys, exactformer as ef; ef.load; print({names} & sys.modules.keys())"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
