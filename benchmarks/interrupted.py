"""A proof and a count that are killed at random moments and gone on with: the answer is the same, within the memory.

Usage: python benchmarks/interrupted.py [proof] [count] [--kills 10] [--memory 2G] [--jobs 2] [--small] [--seed 0]

The run is made once in one go, then again, killed so many times with SIGKILL (all of its processes), and resumed. Files
of both are compared byte by byte. `memory` is the largest sum of the resident sets of all processes, looked at often.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from scaling import network

from exactformer import save
from exactformer.subdivision import sawtooth

PAGE = os.sysconf("SC_PAGE_SIZE")
OFTEN = 0.05  # seconds


def resident(group: int) -> int:
    """The bytes in memory of all processes of a group."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) == group:
                    total += int((entry / "statm").read_text().split()[1]) * PAGE
            except (OSError, IndexError):
                continue
    return total


def run(words: list[str], folder: Path, after: float | None) -> tuple[int | None, float, int, str]:
    """Run a command, and kill it after so many seconds: its exit code (None: killed), seconds, memory and answer."""
    command = [sys.executable, "-m", "exactformer", *words]
    answer = folder / "answer"
    with answer.open("w") as stream:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=stream, start_new_session=True)
        most = 0
        while process.poll() is None:
            if after is not None and time.monotonic() - started > after:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None, time.monotonic() - started, most, ""
            most = max(most, resident(process.pid))
            time.sleep(OFTEN)
    return process.returncode, time.monotonic() - started, most, answer.read_text()


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tasks", nargs="*", metavar="TASK", help="proof, count; default: both")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.kills = options.kills or (1 if options.small else 10)
    for task in options.tasks or ("proof", "count"):
        interrupted(task, options)


def interrupted(task: str, options: argparse.Namespace) -> None:
    """One run in one go, and one that is killed."""
    if task == "proof":
        source: Any = sawtooth(depth=6 if options.small else 11)  # 3^11 regions
    else:
        source = network(3, [40, 30] if options.small else [336, 256])
    r = random.Random(options.seed)
    how = ["--memory", options.memory, "--jobs", options.jobs, "--timeout", "100000", "--json"]
    asked = ["prove", "net.json", "--method", "regions", "--cross-check", "none"]
    words = [*(asked if task == "proof" else ["regions", "net.json", "--count"]), *how]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save(source, folder / "net.json")
        code, whole, most, text = run([*words, "--out", "whole"], folder, None)
        found = json.loads(text)
        number = found.get("regions") or found.get("activation_regions")
        print(f"{task}: {number} regions in one go, code {code}, {whole:.1f} s, {most / 1e9:.2f} GB", flush=True)
        moments, kills = [], 0
        while True:
            resumed = (folder / "killed" / "run.record").exists()
            again = ["resume", "killed", "--json"] if resumed else [*words, "--out", "killed"]
            after = r.uniform(1, max(2.0, whole / options.kills)) if kills < options.kills else None
            code, seconds, memory, text = run(again, folder, after)
            most = max(most, memory)
            if code is not None:
                break
            kills += 1
            moments.append(f"{seconds:.1f}")
        size = f"{most / 1e9:.2f} GB"
        print(f"  killed after {', '.join(moments)} s; then to the end in {seconds:.1f} s, code {code}; {size}")
        last = json.loads(text)
        times = ("seconds", "certificate")
        same = {key: value for key, value in found.items() if key not in times} == {
            key: value for key, value in last.items() if key not in times
        }
        equal = not (folder / "whole").exists() or files(folder / "whole") == files(folder / "killed")
        print(f"  the same answer: {same}; the same files: {equal}", flush=True)


if __name__ == "__main__":
    main()
