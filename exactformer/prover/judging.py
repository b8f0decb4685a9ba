"""A long proof judged by the kernel in parts, by as many workers as there are, and written down in shards.

The parts that workers walk begin where a cell was left to another search, since there the way is known. Shards begin
after every so many steps, so that a proof has the same ones, however it was found: a part is walked up to each of these
places, and on from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any

from exactformer.errors import CertificateRejected
from exactformer.kernel.claims import Asked, Theorem, walk
from exactformer.kernel.reading import Rejected
from exactformer.kernel.shards import FORMAT, RULES, Walk, root
from exactformer.manifest import CERTIFICATE
from exactformer.prover.certificate import dump
from exactformer.prover.here import goal_of, packed
from exactformer.prover.question import Question
from exactformer.prover.search import Found, Path
from exactformer.prover.steps import LINE, Step, Steps
from exactformer.work import Deadline, Status, Work, spread

SHARD = 20_000  # steps of a file; a proof of no more is in the certificate itself
SHARDS = "steps-*.json"
PART = 4_000  # steps that a worker walks at a time, at least


@dataclass(frozen=True)
class Sharded(Sequence[Step]):
    """The steps of a proof, and where each shard begins."""

    steps: Steps
    paths: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, index: Any) -> Any:
        return self.steps[index]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def shard(self, number: int) -> list[Step]:
        """The steps of one shard."""
        return list(self.part(number))

    def part(self, number: int) -> Steps:
        """The same, packed."""
        return self.steps[number * SHARD : (number + 1) * SHARD]


def judged_in_parts(
    question: Question, asked: Asked, certificate: Mapping[str, Any], found: Found, work: Work, deadline: Deadline
) -> tuple[Theorem, Sharded]:
    """What the kernel makes of a long proof. Raises `CertificateRejected` with its words, and `OutOfTime`."""
    steps = found.steps if isinstance(found.steps, Steps) else Steps.of(found.steps)
    parts = _Parts(question, steps, found.marks)
    walks: dict[int, list[Walk]] = {}
    try:
        for number, own in spread(_walked, parts, work=work, deadline=deadline):
            walks[number] = own
            done = len(walks)
            work.watch(Status("kernel", done, len(parts) - done, share=done / len(parts), workers=work.jobs))
        every = [walk for number in sorted(walks) for walk in walks[number]]
        theorem = asked.joined(dict(certificate), every)
    except Rejected as rejection:
        raise CertificateRejected(str(rejection)) from None
    except (RecursionError, ValueError) as error:  # Python prints no integer of more than 4300 digits
        raise CertificateRejected(f"{type(error).__name__}: {error}") from None
    paths: list[Any] = []
    number = 0
    for each in every:
        if number == len(paths) * SHARD:
            paths.append(each.first)
        number += sum(each.counts[rule] for rule in RULES)
    return theorem, Sharded(steps, tuple(paths))


class _Parts(Sequence[tuple[Any, ...]]):
    """The parts of a proof, as arguments for workers, made when they are wanted."""

    def __init__(self, question: Question, steps: Steps, marks: Sequence[tuple[int, Path]]) -> None:
        self._question, self._steps = packed(question), steps
        self._starts: list[tuple[int, Path]] = [(0, ())]
        for number, path in marks:
            if number - self._starts[-1][0] >= PART:
                self._starts.append((number, path))
        self._ends = [*(number for number, _ in self._starts[1:]), len(steps)]

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: Any) -> Any:
        first, path = self._starts[number]
        return self._question, path, self._steps[first : self._ends[number]], first


def _walked(question: bytes, path: Path, packed_steps: Steps, first: int) -> list[Walk]:
    """A part of a proof, walked by the kernel; the next walk begins where a shard does."""
    goal, steps = goal_of(question), list(packed_steps)
    cell: Any = [list(item) for item in path]
    ends = [*range(SHARD - first % SHARD, len(steps), SHARD), len(steps)]
    walks = []
    for start, end in pairwise([0, *ends]):
        walks.append(walk(goal, steps[start:end], f"tree, from step {first + start} on", cell))
        if walks[-1].last is None and end < len(steps):
            raise Rejected(f"tree, step {first + end}: expected no further step, found {len(steps) - end}")
        cell = walks[-1].last or []
    return walks


def certificate_files(certificate: Mapping[str, Any]) -> dict[str, str]:
    """The files of a certificate by their names, the certificate itself last; a long proof is in shards."""
    tree = certificate.get("tree")
    if not isinstance(tree, Sharded):
        return {CERTIFICATE: dump(certificate)}
    files = {}
    for number, path in enumerate(tree.paths):
        lines = LINE.join(tree.part(number).lines())
        head = f'{{"format": "{FORMAT}",\n"path": {json.dumps(path, separators=(",", ":"))},\n'
        files[SHARDS.replace("*", f"{number:05}")] = f'{head}"steps": [\n{lines}]}}\n'
    digests = [sha256(text.encode()).hexdigest() for text in files.values()]
    shards = [{"file": name, "sha256": digest} for name, digest in zip(files, digests, strict=True)]
    rest = {key: value for key, value in certificate.items() if key != "tree"}
    return {**files, CERTIFICATE: dump(rest | {"shards": shards, "root": root(digests)})}
