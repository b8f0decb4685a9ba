"""The source networks in proofs/: canonical files, reproducible where no training is involved, with known values."""

from __future__ import annotations

import shutil
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest

import exactformer as ef
from exactformer.formats import network_json

PROOFS = Path(__file__).parent.parent / "proofs"
NAMES = ["absolute-value", "breast-cancer", "iris", "max-of-three", "maxout-rank-3", "triangle-wave"]


def folder(path: Path) -> str:
    return path.parent.name


def source(name: str) -> ef.MaxoutNetwork | ef.ReluNetwork:
    network = ef.load(PROOFS / name / "left.json")
    assert isinstance(network, ef.MaxoutNetwork | ef.ReluNetwork)
    return network


@pytest.mark.parametrize("path", sorted(PROOFS.glob("*/left.json")), ids=folder)
def test_file_loads_and_is_canonical(path: Path) -> None:
    assert network_json.dump(ef.load(path)) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_example_is_small_named_explained_and_bounded(name: str) -> None:
    network = source(name)
    assert network.name
    assert network.domain is not None
    assert network.domain.is_bounded_box
    assert (PROOFS / name / "left.json").stat().st_size < 200_000
    assert (PROOFS / name / "README.md").is_file()


@pytest.mark.parametrize("path", sorted(PROOFS.glob("*/make.py")), ids=folder)
def test_script_reproduces_the_file(path: Path, tmp_path: Path) -> None:
    script = shutil.copy(path, tmp_path)
    subprocess.run([sys.executable, script], check=True, cwd=tmp_path)
    assert (tmp_path / "left.json").read_bytes() == path.with_name("left.json").read_bytes()


def test_absolute_value() -> None:
    network = source("absolute-value")
    assert str(network.domain) == "[-1, 1]"
    for k in range(-7, 8):
        x = Fraction(k, 7)
        assert network.evaluate([x]) == (abs(x),)


def test_max_of_three() -> None:
    network = source("max-of-three")
    assert str(network.domain) == "[-1, 1]^3"
    for point in product([Fraction(-1), Fraction(-1, 3), Fraction(0), Fraction(1)], repeat=3):
        assert network.evaluate(point) == (max(point),)


def test_triangle_wave_has_32_pieces() -> None:
    network = source("triangle-wave")
    assert network.widths == (2,) * 5
    assert str(network.domain) == "[0, 1]"
    for k in range(33):
        assert network.evaluate([Fraction(k, 32)]) == (Fraction(k % 2),)
    for k in range(32):
        for t in (Fraction(1, 3), Fraction(1, 2)):
            assert network.evaluate([(k + t) / 32]) == (1 - t if k % 2 else t,)


def test_maxout_of_rank_3_has_small_dyadic_weights() -> None:
    network = source("maxout-rank-3")
    assert isinstance(network, ef.MaxoutNetwork)
    assert (network.inputs, network.widths, network.rank, network.outputs) == (2, (4, 4), 3, 1)
    affine = [*(layer.pieces for layer in network.layers), network.output]
    assert all(a.weights.denominator <= 8 and a.biases.denominator <= 16 for a in affine)


@pytest.mark.parametrize(
    ("name", "shape", "least"),
    [("iris", (4, 16, 16, 3), Fraction(95, 100)), ("breast-cancer", (30, 16, 8, 1), Fraction(94, 100))],
)
def test_trained_network_on_its_data(name: str, shape: tuple[int, ...], least: Fraction) -> None:
    """Exact evaluation on every row; needs scikit-learn for its bundled data only and trains nothing."""
    network = source(name)
    assert (network.inputs, *network.widths, network.outputs) == shape
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn brings the data")
    data = getattr(datasets, f"load_{name.replace('-', '_')}")()
    rows = [[Fraction(str(value)) for value in row] for row in data.data.tolist()]
    right = 0
    for row, label in zip(rows, data.target.tolist(), strict=True):
        logits = network.evaluate(row)
        right += (logits[0] > 0) == label if len(logits) == 1 else logits.index(max(logits)) == label
    assert Fraction(right, len(rows)) > least
    columns = list(zip(*rows, strict=True))
    assert network.domain == ef.Box([min(column) for column in columns], [max(column) for column in columns])
