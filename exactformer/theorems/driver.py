"""Checking theorems: instance after instance, in one process or several; the first failure is made small."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Literal

from exactformer.arguments import NATURAL, SECONDS, Limit, as_path, function
from exactformer.errors import Faults, InvalidInput, did_you_mean
from exactformer.manifest import write_files
from exactformer.prover.outcome import Outcome
from exactformer.theorems.case import Case, Failed, Undecided
from exactformer.theorems.journal import FILE, Asked, Journal, Key, read_journal
from exactformer.theorems.registry import theorems_of
from exactformer.theorems.result import Failure, Finding, Findings, Found
from exactformer.theorems.theorem import Theorem
from exactformer.work import Deadline, OutOfTime, Status, Work, spread, time_limit

Progress = Callable[[int, int], None]
Values = tuple[tuple[str, int], ...]  # of the parameters
TIMEOUT = 900.0
INSTANCES = Limit("an integer from 1 to 10,000", int, lambda n: 1 <= n <= 10**4)
TWINS = 8  # broken instances in which the planted fault is looked for
SMALLER = 4  # instances of smaller parameters that are tried in place of one that failed
SHRINKING = 10.0  # seconds


@dataclass(frozen=True)
class Place:
    """One instance of a theorem: its parameters, and its number among those with these."""

    number: str
    values: Values
    draw: int

    def case(self, seed: int, broken: bool) -> Case:
        """Its random numbers: the seed, the theorem, the parameters and the number of the instance give them."""
        named = ", ".join(f"{name} {value}" for name, value in self.values)
        return Case(Random(f"{seed}: {self.number}, {named}: {self.draw}"), broken)


@dataclass(frozen=True)
class Task:
    """An instance, or as a `broken` twin several, one of which must notice its planted fault."""

    places: tuple[Place, ...]
    seed: int
    broken: bool = False

    @property
    def number(self) -> str:
        """The number of the theorem."""
        return self.places[0].number

    @property
    def key(self) -> Key:
        """Its name in a record."""
        place = self.places[0]
        return (self.number, (), None) if self.broken else (self.number, place.values, place.draw)


def check(
    name: str,
    *,
    instances: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    timeout: float | None = TIMEOUT,
    progress: Progress | None = None,
    folder: str | Path | None = None,
    **parameters: int,
) -> Finding:
    """Check one theorem on so many instances; its free parameters may be given, otherwise they run through their range.

    Its broken twin is checked, too. The instances and the `folder` are those of `check_all`. Raises `InvalidInput` for
    a number that no theorem has, a parameter that this one does not have, and values that are not allowed.

    >>> found = check("T12", rank=2, instances=3)
    >>> found.outcome, found.confirmed, found.twin
    ('confirmed', 3, True)
    """
    chosen = theorems_of([name])
    if len(chosen) != 1:
        raise InvalidInput(f"theorems: expected the number of one theorem, found {len(chosen)} for {name!r}")
    how = Work.checked(work, jobs, executor)
    return _checked(chosen, parameters, instances, seed, how, timeout, progress, folder).findings[0]


def resume(
    folder: str | Path,
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    timeout: float | None = TIMEOUT,
    progress: Progress | None = None,
) -> Findings:
    """Go on with the run whose record is in a folder: what it has decided is taken from there, as it stands.

    What comes out is what a run that was not interrupted finds. Raises `InvalidInput` where there is no such record, or
    one of another version.
    """
    asked, journal = read_journal(as_path(folder, "folder"))
    chosen = theorems_of(asked.theorems)
    how = Work.checked(work, jobs, executor)
    return _checked(chosen, asked.parameters, asked.instances, asked.seed, how, timeout, progress, journal=journal)


def check_all(
    names: Sequence[str] = ("all",),
    *,
    instances: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
    work: Work | None = None,
    timeout: float | None = TIMEOUT,
    progress: Progress | None = None,
    folder: str | Path | None = None,
) -> Findings:
    """Check theorems, by default all, each on so many instances, by default its own number.

    Instance i has the (i mod M)-th of the M combinations of the parameters, smallest first, and random numbers that are
    given by the seed. What is found is the same with any number of processes (`jobs`), if the time suffices. Where an
    instance fails, smaller parameters are tried; the smallest failure is reported. `progress` is told how many
    instances are done, of how many. In a `folder` each instance is recorded when it is done, and `resume` goes on from
    there. Raises `InvalidInput` for unknown names and values that do not fit.
    """
    if isinstance(names, str):
        raise InvalidInput(f"theorems: expected a list of names, found the str {names!r}")
    how = Work.checked(work, jobs, executor)
    return _checked(theorems_of(names), {}, instances, seed, how, timeout, progress, folder)


def certified(name: str, *, seed: int = 0) -> tuple[Values, tuple[tuple[str, Outcome], ...]]:
    """The certificates behind a theorem: the smallest parameters, and what its check is answered for their instance.

    Each answer comes with what it is about; there are none where the check is arithmetic alone, or where the theorem is
    cited. Raises `InvalidInput` for a number that no theorem has, and what the check raises.

    >>> values, answers = certified("T1")
    >>> values, answers[0][0], answers[0][1].verdict
    ((('rank', 1),), 'token 0, tie rule average', 'proved')
    """
    (each,) = theorems_of([name])
    if each.check is None:
        return (), ()
    place = next(_places(each, {}, 1))
    case = place.case(seed, False)
    each.check(case, **dict(place.values))
    return place.values, tuple(case.kept)


def _checked(
    chosen: Sequence[Theorem],
    parameters: Mapping[str, Any],
    instances: int | None,
    seed: int,
    work: Work,
    timeout: float | None,
    progress: Progress | None,
    folder: str | Path | None = None,
    journal: Journal | None = None,
) -> Findings:
    """What is found of the theorems. Raises `InvalidInput` with every fault of the arguments."""
    started, faults = time.monotonic(), Faults()
    INSTANCES.check(instances, "instances", faults, optional=True)
    NATURAL.check(seed, "seed", faults)
    SECONDS.check(timeout, "timeout", faults, optional=True)
    function(progress, "progress", faults)
    for each in chosen:
        _check_parameters(each, parameters, faults)
    place = None if folder is None else as_path(folder, "folder")
    faults.settle()
    if place is not None:
        journal = _begun(place, Asked(tuple(each.number for each in chosen), instances, seed, parameters))
    deadline = Deadline.after(timeout)
    tasks = [task for each in chosen for task in _tasks(each, parameters, instances, seed)]
    known = {} if journal is None else journal.found
    found = {task: known[task.key] for task in tasks if task.key in known}
    resumed = len(found)
    lost = {task.number for task, result in found.items() if result.outcome == "failed" and not task.broken}
    rest = [task for task in tasks if task not in found and task.number not in lost]
    for task, result in _results(rest, work, deadline):
        found[task] = result
        if journal is not None:
            journal.note(task.key, result)
        if progress is not None:
            progress(len(found), len(tasks))
        work.watch(
            Status("instances", len(found), len(tasks) - len(found), share=len(found) / len(tasks), workers=work.jobs)
        )
    findings = []
    for each in chosen:
        own = [task for task in tasks if task.number == each.number]
        finding = _finding(each, own, found)
        findings.append(_shrunk(each, finding, parameters, seed, deadline) if finding.failure is not None else finding)
    return Findings(tuple(findings), seed, time.monotonic() - started, resumed)


def _begun(folder: Path, asked: Asked) -> Journal:
    """A new record. Raises `InvalidInput` where there is an unfinished one, or a file that is not exactformer's."""
    try:
        write_files(folder, "report", {FILE: asked.line()})
    except InvalidInput as error:
        hint = f"; exactformer theorems --resume {folder} goes on with a run" if (folder / FILE).is_file() else ""
        raise InvalidInput(f"{error}{hint}") from None
    return Journal(folder / FILE)


def _check_parameters(each: Theorem, parameters: Mapping[str, Any], faults: Faults) -> None:
    own = ", ".join(each.parameters) or "no parameters"
    for name, value in parameters.items():
        span = each.parameters.get(name)
        if span is None:
            faults.add(
                each.number, f"parameters among those that it has ({own})", name, did_you_mean(name, each.parameters)
            )
        elif not span.admits(value):
            faults.add(f"{each.number}, {name}", span.expected, value)


def _tasks(each: Theorem, parameters: Mapping[str, int], instances: int | None, seed: int) -> Iterator[Task]:
    """The instances of a theorem, then its broken twin."""
    if each.check is None:
        return
    count = each.instances if instances is None else instances
    yield from (Task((place,), seed) for place in _places(each, parameters, count))
    yield Task(tuple(_places(each, parameters, TWINS)), seed, broken=True)


def _places(each: Theorem, parameters: Mapping[str, int], count: int) -> Iterator[Place]:
    """So many instances, of the smallest parameters first."""
    combinations = _combinations(each, parameters)
    for i in range(count):
        yield Place(each.number, combinations[i % len(combinations)], i // len(combinations))


def _combinations(each: Theorem, parameters: Mapping[str, int]) -> list[Values]:
    """The values of all parameters together, smallest sum first."""
    ranges = [[parameters[name]] if name in parameters else list(span.values) for name, span in each.parameters.items()]
    names = tuple(each.parameters)
    every = sorted(product(*ranges), key=lambda values: (sum(values), values))
    return [tuple(zip(names, values, strict=True)) for values in every]


def _results(tasks: Sequence[Task], work: Work, deadline: Deadline) -> Iterator[tuple[Task, Found]]:
    """What is found of each task in time; in one process, nothing more of a theorem that failed."""
    if work.alone or len(tasks) < 2:
        failed: set[str] = set()
        for task in tasks:
            if deadline.passed:
                return
            if task.number in failed:
                continue
            result = tried(task, deadline)
            if result.outcome == "failed" and not task.broken:
                failed.add(task.number)
            yield task, result
        return
    try:
        for i, result in spread(tried, [(task, deadline) for task in tasks], work=work, deadline=deadline):
            yield tasks[i], result
    except OutOfTime:
        return


def tried(task: Task, deadline: Deadline) -> Found:
    """What an instance, or the broken twin, comes to within the time."""
    (each,) = theorems_of([task.number])
    assert each.check is not None
    started = time.monotonic()
    outcome: Literal["confirmed", "failed", "unknown"] = "confirmed"
    text = ""
    try:
        with time_limit(max(deadline.left, 0.01)):
            for place in task.places:
                each.check(place.case(task.seed, task.broken), **dict(place.values))
    except Failed as failure:
        outcome, text = "failed", str(failure)
    except Undecided as reason:
        outcome, text = "unknown", str(reason)
    except (OutOfTime, TimeoutError):
        outcome, text = "unknown", "out of time"
    return Found(outcome, text, time.monotonic() - started)


def _finding(each: Theorem, tasks: Sequence[Task], found: Mapping[Task, Found]) -> Finding:
    """What all instances of a theorem come to; of several that failed the first counts."""
    plain = [(task, found.get(task)) for task in tasks if not task.broken]
    twin = next((found.get(task) for task in tasks if task.broken), None)
    done = [(task, result) for task, result in plain if result is not None]
    failures = [(task, result) for task, result in done if result.outcome == "failed"]
    reasons = [result.text for _, result in done if result.outcome == "unknown"]
    failure = None
    if failures:
        task, result = failures[0]
        failure = Failure(task.places[0].values, task.places[0].draw, result.text)
    return Finding(
        each,
        tried=len(done),
        asked=len(plain),
        confirmed=sum(result.outcome == "confirmed" for _, result in done),
        failure=failure,
        reason=reasons[0] if reasons else None,
        twin=None if twin is None or twin.outcome == "unknown" else twin.outcome == "failed",
        seconds=sum(found[task].seconds for task in tasks if task in found),
    )


def _shrunk(each: Theorem, finding: Finding, parameters: Mapping[str, int], seed: int, deadline: Deadline) -> Finding:
    """The finding with a failure of smaller parameters in place of the first one, if there is one."""
    assert finding.failure is not None
    size = sum(value for _, value in finding.failure.values)
    limit = deadline.within(SHRINKING)
    for smaller in _combinations(each, parameters):
        if sum(value for _, value in smaller) >= size:
            break
        for draw in range(SMALLER):
            if limit.passed:
                return finding
            result = tried(Task((Place(each.number, smaller, draw),), seed), limit)
            if result.outcome == "failed":
                return replace(finding, failure=Failure(smaller, draw, result.text))
    return finding
