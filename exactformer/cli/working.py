"""Who does the work of a command, in how much memory, and the record by which an interrupted run is gone on with."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from exactformer.cli.options import input_files
from exactformer.cli.parser import positive
from exactformer.cli.progress import progress_options
from exactformer.errors import ExactformerError, InvalidInput, Unsupported, printable

FILE = "run.record"
UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
SMALLEST = 256 << 20  # bytes that a process needs before it has done anything
HOW = ("words", "parse", "run", "record", "out", "timeout", "jobs", "dask", "memory", "log", "json", "quiet")
CONNECTING = 10  # seconds


def working_options(parser: argparse.ArgumentParser) -> None:
    """By whom the work is done."""
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes")
    parser.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler whose workers do it (exactformer[dask])")
    parser.add_argument("--memory", type=memory, metavar="SIZE", help="for all processes together, such as 2G (Linux)")
    progress_options(parser)


def memory(text: str) -> int:
    """A number of bytes, such as 500M or 2G."""
    match = re.fullmatch(r"([0-9]+)([kmgt]?)(?:i?b)?", text.strip(), re.IGNORECASE)
    if match is None or int(match[1]) * UNITS[match[2].lower()] < SMALLEST:
        raise argparse.ArgumentTypeError(
            f"expected a size of at least 256M, such as 2G, found {text.strip() or 'nothing'}"
        )
    return int(match[1]) * UNITS[match[2].lower()]


@contextmanager
def working(options: argparse.Namespace, folder: Path | None = None) -> Iterator[Any]:
    """How the work of the block is done, as the options say; what is finished is recorded in the folder.

    `settled` removes the record, once the answer is written; a run that was interrupted before is gone on with. Raises
    `InvalidInput` for a folder in which another one was interrupted, and where a cluster cannot be reached.
    """
    from exactformer.work import Work
    from exactformer.work.memory import limit_memory

    if options.memory is not None:
        share = options.memory // (options.jobs + 1) if options.jobs > 1 else options.memory
        if share < SMALLEST:
            raise InvalidInput(f"--memory: expected at least 256M for each of {options.jobs + 1} processes, found less")
        limit_memory(options.memory - share * options.jobs if options.jobs > 1 else options.memory)
    with ExitStack() as stack:
        jobs, executor = options.jobs, None
        if options.dask is not None:
            jobs, executor = stack.enter_context(_cluster(options.dask))
        record = None if folder is None else stack.enter_context(_recorded(options, folder))
        yield Work(jobs, executor, record, options.memory)


@contextmanager
def _cluster(address: str) -> Iterator[tuple[int, Any]]:
    """The number of threads of a Dask cluster, and its executor."""
    try:
        import distributed
    except ImportError:
        raise Unsupported("--dask: expected the package distributed (pip install 'exactformer[dask]')") from None
    try:
        client: Any = distributed.Client(address, timeout=CONNECTING)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise InvalidInput(f"--dask: expected a scheduler at {address}, found none: {error}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InvalidInput(f"--dask: expected workers at {address}, found none")
        yield threads, client.get_executor()


@contextmanager
def _recorded(options: argparse.Namespace, folder: Path) -> Iterator[Any]:
    """The record in a folder: of the run that is resumed, or a new one, which is made when there is something in it."""
    from exactformer.work import NoRoom, Record

    record, path = getattr(options, "record", None), folder / FILE
    if record is None:
        own = asked(options)
        record = Record.resume(path) if os.path.lexists(path) else Record(path, own)
        if any(record.asked.get(key) != own[key] for key in ("options", "files")):
            record.close()
            hint = f"exactformer resume {folder} goes on with it; remove the file to begin anew"
            raise InvalidInput(f"{path}: expected no unfinished run of another kind, found one; {hint}")
    with record:
        try:
            yield record
        except BaseException as error:
            if isinstance(error, ExactformerError) and not isinstance(error, NoRoom):
                record.discard()  # there is no answer, however long the run goes on
            elif record.size:
                print(printable(f"exactformer: {kept(folder)}"), file=sys.stderr)
            raise


def kept(folder: Path) -> str:
    """What is said of a run that has not come to its end."""
    return f"what is finished is kept; exactformer resume {folder} goes on"


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """What a run is asked: its words, where, the options that matter, and the files that it reads by their digests."""
    files = {str(path): sha256(path.read_bytes()).hexdigest() for path in input_files(options)}
    question = {key: value for key, value in sorted(vars(options).items()) if key not in HOW}
    return {"words": list(options.words), "in": os.getcwd(), "files": files, "options": repr(question)}


def check_asked(value: Mapping[str, Any], path: Path) -> Sequence[str]:
    """The words of the run whose record begins with this. Raises `InvalidInput` for files that have changed since."""
    words, place, files = (value.get(key) for key in ("words", "in", "files"))
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words) and isinstance(place, str)):
        raise InvalidInput(f"{path}, line 1: expected the words of a command, found {value!r:.200}")
    if not isinstance(files, dict) or not os.path.isdir(place):
        raise InvalidInput(f"{path}, line 1: expected the folder in which the run began, found none at {place}")
    for name, digest in files.items():
        file = Path(place, name)
        found = sha256(file.read_bytes()).hexdigest() if file.is_file() else None
        if found != digest:
            what = "nothing there" if found is None else f"one with {found}"
            raise InvalidInput(f"{file}: expected the file that the run began with (SHA-256 {digest}), found {what}")
    os.chdir(place)
    return words
