"""Proofs in shards: both checkers accept them however the steps are divided, and nothing that does not fit together."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from exactformer import Box, ReluNetwork
from exactformer.checking import check
from exactformer.compiler import compile_network
from exactformer.formats.network_json import dump
from exactformer.kernel import certificates, processes
from exactformer.kernel.claims import ask, walk
from exactformer.kernel.reading import Rejected
from exactformer.kernel.shards import joined, root
from exactformer.prover import verify

sys.path[:0] = [str(Path(__file__).parent / "second_checker")]

import checker  # noqa: E402

Files = dict[str, bytes]
Shard = dict[str, Any]


@cache
def material() -> tuple[Any, Files]:
    """A certificate whose tree has gates, cells that are empty and cells where the claim holds, and its networks."""
    network = ReluNetwork.of(
        [([[2, 1], [-1, 3], [1, 1]], ["1/2", "-1/3", "1/4"]), ([[1, -1, 1], [2, 1, -2]], [0, 1])],
        ([[1, -1]], [0]),
        domain=Box([-1, -1], [1, 1]),
    )
    transformer = compile_network(network).transformer
    outcome = verify(network, transformer, method="regions", cross_check=())
    assert outcome.certificate is not None
    files = {"left.json": dump(network).encode(), "right.json": dump(transformer).encode()}
    return json.loads(json.dumps(outcome.certificate)), files


def shards_of(size: int) -> list[Shard]:
    """The steps of the certificate in shards."""
    certificate, files = material()
    goal = ask({**certificate}, files.__getitem__, "c").goal()
    path: Any = []
    found = []
    for first in range(0, len(certificate["tree"]), size):
        steps = certificate["tree"][first : first + size]
        found.append({"format": "exactformer/steps-1", "path": path, "steps": steps})
        path = walk(goal, steps, "steps", path).last
    assert path is None
    return found


def written(shards: list[Shard], /, **changes: Any) -> tuple[bytes, Files]:
    """The certificate with these shards, and all files."""
    certificate, files = material()
    texts = {f"steps-{number}.json": json.dumps(shard).encode() for number, shard in enumerate(shards)}
    digests = [hashlib.sha256(text).hexdigest() for text in texts.values()]
    items = [{"file": name, "sha256": digest} for name, digest in zip(texts, digests, strict=True)]
    value = {key: item for key, item in certificate.items() if key != "tree"}
    value |= {"shards": items, "root": root(digests) if digests else ""} | changes
    return json.dumps(value).encode(), {**files, **texts}


def accepted(certificate: bytes, files: Files) -> Any:
    """What both checkers say."""
    found = certificates.check(certificate, files.__getitem__)
    assert checker.check(certificate, files.__getitem__) == found.statement  # type: ignore[union-attr]
    return found


def refused(certificate: bytes, files: Files, words: str) -> None:
    with pytest.raises(Rejected, match=words):
        certificates.check(certificate, files.__getitem__)
    with pytest.raises(checker.Rejected):
        checker.check(certificate, files.__getitem__)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_steps_may_be_divided_anywhere(size: int) -> None:
    certificate, files = material()
    whole = certificates.check(json.dumps(certificate).encode(), files.__getitem__)
    assert accepted(*written(shards_of(size))).to_json() == whole.to_json()


def test_a_shard_may_be_empty() -> None:
    first, second = shards_of(10)[:2]
    empty = {**second, "steps": []}
    assert accepted(*written([{**first, "steps": []}, first, empty, empty, *shards_of(10)[1:]])).holds


@pytest.mark.parametrize("jobs", [1, 2])
def test_shards_are_walked_by_processes(tmp_path: Path, jobs: int) -> None:
    certificate, files = written(shards_of(9))
    for name, text in {"certificate.json": certificate, **files}.items():
        (tmp_path / name).write_bytes(text)
    check_file = certificates.check_file if jobs == 1 else partial(processes.check_file, jobs=jobs)
    found = check_file(tmp_path / "certificate.json")
    assert found.to_json() == certificates.check(certificate, files.__getitem__).to_json()
    (tmp_path / "steps-1.json").write_bytes(files["steps-1.json"] + b" ")
    with pytest.raises(Rejected, match=r"shards\[1\]|sha256: expected .*the digest of steps-1.json"):
        check_file(tmp_path / "certificate.json")


def changed(shards: list[Shard], number: int, **changes: Any) -> list[Shard]:
    return [{**shard, **changes} if i == number else shard for i, shard in enumerate(shards)]


def another_child(path: Any) -> Any:
    return [*path[:-1], [path[-1][0], path[-1][1] + 1 if path[-1][1] == 0 else 0]]


DAMAGED: dict[str, tuple[Callable[[list[Shard]], list[Shard]], str]] = {
    "one missing": (lambda s: [*s[:1], *s[2:]], r"shards\[1\]: expected the cell with which the piece before it ends"),
    "the first missing": (lambda s: s[1:], r"shards\[0\]: expected the cell"),
    "the last missing": (lambda s: s[:-1], "shards: expected a step for every cell, found 3 cells left open"),
    "one twice": (lambda s: [s[0], *s], r"shards\[1\]: expected the cell"),
    "two in another order": (lambda s: [s[1], s[0], *s[2:]], r"shards\[0\]: expected the cell"),
    "one more": (lambda s: [*s, s[-1]], "expected the cell"),
    "an empty one at the end": (lambda s: [*s, {**s[0], "steps": []}], "expected the cell"),
    "a step missing": (lambda s: changed(s, 0, steps=s[0]["steps"][:-1]), "."),
    "a step too many": (lambda s: [*s[:-1], {**s[-1], "steps": [*s[-1]["steps"], ["holds"]]}], "no further step"),
    "a cell skipped": (lambda s: changed(s, 1, path=another_child(s[1]["path"])), "."),
    "a path that is too short": (lambda s: changed(s, 1, path=s[1]["path"][:-1]), "."),
    "a path below a closed cell": (lambda s: changed(s, 1, path=[[["holds"], 0]]), "."),
    "a child that is none": (
        lambda s: changed(s, 1, path=[[["gate", "L0.u0"], 2]]),
        "expected an integer >= 0 and < 2",
    ),
    "a path of words": (lambda s: changed(s, 1, path=["gate"]), "expected a list"),
    "a path that is no list": (lambda s: changed(s, 1, path={}), "expected a list"),
    "another format": (lambda s: changed(s, 0, format="exactformer/steps-2"), "expected exactformer/steps-1"),
    "a key more": (lambda s: changed(s, 0, more=1), "only the keys format, path, steps"),
    "a key less": (lambda s: [{"format": "exactformer/steps-1", "steps": []}, *s], "expected the key 'path'"),
    "none at all": (lambda s: [], "expected at least one piece, found none"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_does_not_fit_together(name: str) -> None:
    change, words = DAMAGED[name]
    refused(*written(change(shards_of(10))), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"root": "0" * 64}, "root: expected [0-9a-f]{64}, found 0000"),
        ({"root": None}, "root: expected"),
        ({"tree": []}, "only the keys"),
        ({"point": [0, 0], "values": []}, "only the keys"),
        ({"shards": {}}, "shards: expected a list"),
        ({"shards": ["steps-0.json"]}, r"shards\[0\]: expected an object"),
        ({"shards": [{"file": "steps-0.json", "sha256": "0" * 64}], "root": root(["0" * 64])}, "sha256: expected"),
        ({"shards": [{"file": "../x", "sha256": "0" * 64}], "root": root(["0" * 64])}, "the plain name of a file"),
        ({"inhabitant": [2, 2]}, "inhabitant: expected a point of the domain"),
    ],
)
def test_damaged_certificates_in_shards(changes: dict[str, Any], words: str) -> None:
    refused(*written(shards_of(10), **changes), words)


def test_the_root_is_missing() -> None:
    certificate, files = written(shards_of(10))
    value = {key: item for key, item in json.loads(certificate).items() if key != "root"}
    refused(json.dumps(value).encode(), files, "expected the key 'root'")


def test_roots_of_all_sizes() -> None:
    """Known by another definition: the left half of a tree is the largest full one."""
    digests = [hashlib.sha256(bytes([i])).hexdigest() for i in range(40)]
    for size in range(1, 40):
        assert root(digests[:size]) == checker.merkle(digests[:size]).hex()
    assert len({root(digests[:size]) for size in range(1, 40)}) == 39


def test_no_walk_proves_nothing() -> None:
    with pytest.raises(Rejected, match="cells left open"):
        joined([], "shards")


def test_a_piece_as_another_process_walks_it(tmp_path: Path) -> None:
    certificate, files = written(shards_of(9))
    for name, text in {"certificate.json": certificate, **files}.items():
        (tmp_path / name).write_bytes(text)
    path, items = tmp_path / "certificate.json", json.loads(certificate)["shards"]
    walks = [processes._piece(path, certificate, item) for item in items]
    assert joined(walks, "shards")["holds"] > 1


def test_the_kernel_as_a_program_with_processes(tmp_path: Path) -> None:
    certificate, files = written(shards_of(9))
    for name, text in {"certificate.json": certificate, **files}.items():
        (tmp_path / name).write_bytes(text)
    found = check(tmp_path, jobs=2)
    assert found.counts == dict(accepted(certificate, files).counts)
    assert {name for name, state in found.files.items() if state == "checked"} == {"certificate.json", *files}


def test_a_chain_of_a_proof_in_shards() -> None:
    """A link may be in shards, too; the chain names their files."""
    certificate, files = written(shards_of(9))
    link = {"file": "link.json", "sha256": hashlib.sha256(certificate).hexdigest()}
    value = json.dumps({"format": "exactformer/chain-1", "links": [link]}).encode()
    files = {**files, "link.json": certificate}
    found: Any = certificates.check(value, files.__getitem__)
    assert found.files.keys() == files.keys()
    assert checker.check(value, files.__getitem__) == found.statement
