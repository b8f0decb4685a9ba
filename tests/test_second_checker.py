"""The second checker, written from the specification alone, against the kernel."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from exactformer.kernel.claims import check as kernel_check
from exactformer.kernel.reading import Rejected

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "second_checker"), str(HERE / "fuzz")]

import checker  # noqa: E402
from target import NAMES, SEPARATOR, with_digests  # noqa: E402

PROOFS = sorted((HERE.parent / "proofs").glob("*/certificate.json"))
CORPUS = sorted((HERE / "fuzz" / "corpus").iterdir())
Read = Callable[[str], bytes]


def verdicts(certificate: bytes, read: Read) -> tuple[str | None, str | None]:
    """What the kernel and the second checker say: the theorem, or None for a rejection."""
    try:
        first: str | None = kernel_check(certificate, read).statement
    except Rejected:
        first = None
    try:
        second: str | None = checker.check(certificate, read)
    except checker.Rejected:
        second = None
    return first, second


@pytest.mark.parametrize("path", PROOFS, ids=lambda path: path.parent.name)
def test_both_accept_every_committed_proof(path: Path) -> None:
    first, second = verdicts(path.read_bytes(), lambda name: (path.parent / name).read_bytes())
    assert first is not None and first == second


def damaged(data: bytes, r: random.Random) -> bytes:
    """A few bytes changed, dropped, doubled or exchanged."""
    result = bytearray(data)
    for _ in range(r.randint(1, 3)):
        if len(result) < 2:
            return bytes(result)
        at, other = r.randrange(len(result)), r.randrange(len(result))
        kind = r.randrange(4)
        if kind == 0:
            result[at] = r.choice(b'0123456789abcdef-,[]{}":. xLRM')
        elif kind == 1:
            del result[at : at + r.randint(1, 4)]
        elif kind == 2:
            result[at:at] = result[at : at + r.randint(1, 8)]
        else:
            result[at], result[other] = result[other], result[at]
    return bytes(result)


def test_both_agree_on_the_corpus_and_on_damage_to_it() -> None:
    """Thousands of inputs: those the fuzzer kept, and random damage to their certificates and networks."""
    r = random.Random(0)
    count: Counter[str] = Counter()
    for path in CORPUS:
        for number in range(16):
            data = path.read_bytes() if number == 0 else damaged(path.read_bytes(), r)
            certificate, *networks = data.split(SEPARATOR)
            files = dict(zip(NAMES, networks, strict=False))
            certificate = with_digests(certificate, files)
            first, second = verdicts(certificate, lambda name, files=files: files.get(name, b""))  # type: ignore[misc]
            assert first == second, (path.name, number)
            count["accepted" if first else "rejected"] += 1
    assert count["accepted"] > 200 and count["rejected"] > 1000, count
