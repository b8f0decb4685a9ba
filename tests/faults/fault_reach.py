"""What runs which lines of the kernel: only that can notice that a line is changed.

Whatever never comes to the changed statement runs as before: so only the entries of the corpus, and the tests, that
reach a statement need to be put to its changes, those first that take little time.
"""

from __future__ import annotations

import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

Line = tuple[str, int]  # a file of the kernel by its name, and the number of a line
Reach = Mapping[Line, Iterable[str]]  # the names of what comes to a line


def lines_of(run: Callable[[], object], files: Iterable[str]) -> set[Line]:
    """The lines of these files that are run by a call."""
    found: set[Line] = set()
    names = frozenset(files)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in names:
            return None
        if event == "line":
            found.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)
    return found


def inverted(lines: Mapping[str, Iterable[Line]]) -> dict[Line, set[str]]:
    """From what each reaches to what reaches each."""
    found: dict[Line, set[str]] = defaultdict(set)
    for name, reached in lines.items():
        for line in reached:
            found[line].add(name)
    return found


def reaching(reach: Reach, file: str, lines: Iterable[int]) -> set[str]:
    """What comes to one of these lines."""
    return {name for line in lines for name in reach.get((file, line), ())}


def of_tests(
    run: Callable[[list[str], dict[str, str]], object], kernel: Path
) -> tuple[Reach, dict[str, float], list[str]]:
    """Which tests come to each line of this kernel, the seconds that each takes, and which fail.

    `run` runs the tests, given more arguments for pytest and variables of the environment.
    """
    import coverage

    with tempfile.TemporaryDirectory() as place:
        data, times = Path(place, "coverage"), Path(place, "times.xml")
        arguments = [f"--cov={kernel}", "--cov-context=test", "--cov-report=", f"--junitxml={times}"]
        run(arguments, {"COVERAGE_FILE": str(data)})
        cases = list(ElementTree.parse(times).iter("testcase"))
        found = coverage.CoverageData(str(data))
        found.read()
        reach: dict[Line, set[str]] = {}
        for file in kernel.glob("*.py"):
            for line, contexts in found.contexts_by_lineno(str(file)).items():
                reach[file.name, line] = {context.rpartition("|")[0] for context in contexts if "|" in context}
    seconds = {_name(case): float(case.get("time") or 0) for case in cases}
    return (
        reach,
        seconds,
        [_name(case) for case in cases if case.find("failure") is not None or case.find("error") is not None],
    )


def _name(case: ElementTree.Element) -> str:
    """The name by which pytest takes a test."""
    return f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
