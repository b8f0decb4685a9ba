"""A certificate checked by several processes, each of which checks shards of it."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

from . import claims, counts
from .certificates import Shown, check, parsed
from .claims import Asked
from .counts import Counting, Part
from .reading import read_bytes
from .shards import Walk


def check_file(path: Path, jobs: int) -> Shown:
    """As `certificates.check_file`, by so many processes. Raises `Rejected`."""
    data, read = read_bytes(path), partial(_beside, path)
    with ProcessPoolExecutor(jobs) as pool:
        return check(data, read, path.name, lambda items: list(pool.map(partial(_piece, path, data), items)))


def _beside(path: Path, name: str) -> bytes:
    return read_bytes(path.parent / name)


def _piece(path: Path, certificate: bytes, item: dict[str, object]) -> Walk | Part:
    """One shard, checked in another process."""
    return _asked(path, certificate).piece(item, partial(_beside, path))


@lru_cache(maxsize=1)
def _asked(path: Path, certificate: bytes) -> Asked | Counting:
    """What the certificate is about, read once in a process."""
    value = parsed(certificate, path.name)
    return (counts.ask if value["format"] == counts.FORMAT else claims.ask)(value, partial(_beside, path), path.name)
