"""Where a single file may be written: a name that the user gave is replaced only by its own kind."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from exactformer.errors import InvalidInput

NETWORK_MARK = (b"exactformer/network-1", b"transformer")
REPORT_MARK = (b"exactformer",)
PICTURE_MARK = (b"exactformer",)
ARRAYS_MARK = (b"PK\x03\x04", b"patterns.npy", b"linear_region.npy")


def output_file(name: str, inputs: Sequence[Path], marks: Sequence[bytes]) -> Path:
    """The place for a file named on the command line, known to be free before the work.

    An earlier file is replaced when all `marks` of its kind stand in it. Raises `InvalidInput` when it is
    one of `inputs`, another sort of file, a folder, a symbolic link, a pipe or a device, or belongs to a proof folder.
    """
    from exactformer.formats.files import read_bytes
    from exactformer.manifest import ordinary, read_manifest

    path = Path(name)
    if not os.path.lexists(path):
        return path
    if not ordinary(path):
        raise InvalidInput(f"{path}: expected a place for a file, found something else (a folder, a link, a device)")
    if any(_same(path, other) for other in inputs):
        raise InvalidInput(f"{path}: expected another place, found an input of this command")
    manifest = read_manifest(path.parent)
    if manifest is not None and path.name in manifest.digests:
        raise InvalidInput(f"{path}: expected another place, found a file of a {manifest.kind} folder")
    data = read_bytes(path, follow=False)
    if data and not all(mark in data for mark in marks):
        raise InvalidInput(f"{path}: expected nothing there, or an earlier file of this kind, found another file")
    return path


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
