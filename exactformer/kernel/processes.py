"""A certificate checked by several processes, each of which walks shards of its proof."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

from .certificates import Shown, check
from .claims import Asked, ask
from .reading import parse_json, read_bytes, table
from .shards import Walk


def check_file(path: Path, jobs: int) -> Shown:
    """As `certificates.check_file`, by so many processes. Raises `Rejected`."""
    data, read = read_bytes(path), partial(_beside, path)
    with ProcessPoolExecutor(jobs) as pool:
        return check(data, read, path.name, lambda items: list(pool.map(partial(_piece, path, data), items)))


def _beside(path: Path, name: str) -> bytes:
    return read_bytes(path.parent / name)


def _piece(path: Path, certificate: bytes, item: object) -> Walk:
    """One shard, walked in another process."""
    return _asked(path, certificate).piece(item, partial(_beside, path))


@lru_cache(maxsize=1)
def _asked(path: Path, certificate: bytes) -> Asked:
    """The claim of the certificate, evaluated once in a process."""
    value = parse_json(certificate, path.name)
    keys = ("format", "claim", "left", "domain", "tie", "shards", "root", "inhabitant")
    return ask(table(value, path.name, keys, ("parameters", "right", "untrusted")), partial(_beside, path), path.name)
