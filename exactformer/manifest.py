"""What exactformer wrote in a folder: a manifest of digests, by which files are known, replaced and left alone."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from exactformer.errors import InvalidInput, printable
from exactformer.formats.files import read_bytes, write_atomically
from exactformer.formats.network_json import parse_json

MANIFEST, CERTIFICATE, FORMAT = "manifest.json", "certificate.json", "exactformer/manifest-1"
Kind = Literal["proof", "count", "report", "export", "statement"]
KINDS: tuple[Kind, ...] = ("proof", "count", "report", "export", "statement")
_NAME = re.compile(r"(?:[A-Za-z0-9_+-][A-Za-z0-9._+-]*/)?[A-Za-z0-9_+-][A-Za-z0-9._+-]*")  # at most one folder deep
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What a folder holds (a proof, a count, a report, an export, a statement for all weights), and all digests."""

    kind: Kind
    digests: Mapping[str, str]

    def text(self) -> str:
        """The manifest as JSON."""
        return json.dumps({"format": FORMAT, "kind": self.kind, "files": dict(self.digests)}, indent=1) + "\n"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none. Raises `InvalidInput` for a file that is no manifest."""
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    try:
        value = parse_json(read_bytes(path, follow=False), str(path)) if ordinary(path) else None
    except InvalidInput:
        value = None
    if isinstance(value, dict) and value.keys() == {"format", "kind", "files"} and value["format"] == FORMAT:
        files = value["files"]
        if value["kind"] in KINDS and isinstance(files, dict) and all(map(_listed, files.items())):
            return Manifest(value["kind"], files)
    raise InvalidInput(f"{path}: expected a manifest that exactformer wrote, found something else")


def _listed(item: tuple[object, object]) -> bool:
    name, digest = item
    return bool(
        isinstance(name, str) and _NAME.fullmatch(name) and isinstance(digest, str) and _DIGEST.fullmatch(digest)
    )


def ordinary(path: Path) -> bool:
    """Whether there is a file of bytes, and no symbolic link, folder, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def digest_of(path: Path) -> str | None:
    """The SHA-256 of an ordinary file; None for whatever else is there, or nothing, or what cannot be read."""
    if not ordinary(path):
        return None
    try:
        return sha256(read_bytes(path, follow=False)).hexdigest()
    except InvalidInput:
        return None


# --- writing --------------------------------------------------------------------------------------


def check_place(
    folder: Path,
    kind: Kind,
    names: Collection[str],
    *,
    known: Mapping[str, bytes] | None = None,
    inputs: Sequence[Path] = (),
) -> tuple[str, ...]:
    """The files of an earlier run in a folder, which give way to those of this one: asked before the work.

    `names` are those that may be written, `known` the contents that are known already: what is there with the same
    bytes is no obstacle. `inputs` are the files that this command reads. Raises `InvalidInput` where no folder can be
    made or written, where it holds something of another kind, and for a file in the way that exactformer did not
    write there as it is now, or that is an input whose contents would change.
    """
    place = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    if not place.is_dir() or not os.access(place, os.W_OK):
        raise InvalidInput(f"{folder}: expected a folder that can be written, found that {place} is not one")
    if not folder.is_dir():
        return ()
    old = read_manifest(folder)
    if old is not None and old.kind != kind:
        raise InvalidInput(f"{folder}: expected no folder, or one with a {kind}, found one with a {old.kind}")
    mine, known = [], known or {}
    for name in _present(folder, {*names, *(old.digests if old else ())}):
        same = name in known and digest_of(folder / name) == sha256(known[name]).hexdigest()
        if not same and any(_is(folder / name, path) for path in inputs):
            raise InvalidInput(f"{folder / name}: expected another folder, found an input of this command")
        if old is not None and digest_of(folder / name) == old.digests.get(name, ""):
            mine.append(name)
        elif name in names and not same:
            raise InvalidInput(
                f"{folder / name}: expected nothing there, or what exactformer wrote, found another file; "
                "it is left as it is, and another folder is needed"
            )
    return tuple(mine)


def _present(folder: Path, names: Collection[str]) -> Iterator[str]:
    """Which of these names are taken, by whatever it is; a file in a folder's place counts as in the way."""
    for name in sorted(names):
        parent = folder / Path(name).parent
        if parent != folder and os.path.lexists(parent) and (parent.is_symlink() or not parent.is_dir()):
            raise InvalidInput(f"{parent}: expected a folder, or nothing there, found something else")
        if os.path.lexists(folder / name):
            yield name


def _is(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def write_files(folder: Path, kind: Kind, files: Mapping[str, str | bytes], *, inputs: Sequence[Path] = ()) -> None:
    """Write files and their manifest, each whole or not at all; what an earlier run left there is removed first.

    A certificate is removed first of all, and the manifest comes before the files, which are written in their order:
    what is left of an interrupted run can be told from the user's files, and a folder whose certificate was given last
    is complete when it has one. Raises as `check_place` does.
    """
    data = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    old = check_place(folder, kind, data, known=data, inputs=inputs)
    stale = [name for name in old if name not in data or digest_of(folder / name) != sha256(data[name]).hexdigest()]
    try:
        for name in sorted(stale, key=lambda name: name != CERTIFICATE):
            (folder / name).unlink()
        for parent in {folder / Path(name).parent for name in stale} - {folder}:
            if not any(parent.iterdir()):
                parent.rmdir()
    except OSError as error:
        raise InvalidInput(f"{folder}: expected a folder that can be written, found: {error.strerror}") from None
    manifest = Manifest(kind, {name: sha256(data[name]).hexdigest() for name in sorted(data)})
    write_atomically(folder / MANIFEST, manifest.text())
    for name, content in data.items():
        if digest_of(folder / name) != manifest.digests[name]:
            write_atomically(folder / name, content)


# --- reading --------------------------------------------------------------------------------------

State = Literal["checked", "manifest", "unchanged", "changed", "missing", "unknown"]


def states(folder: Path, checked: Mapping[str, str]) -> dict[str, State]:
    """What can be said of every file in a folder, by its name.

    `checked` has the digests of those that a checker read. Others are unchanged or changed since the manifest was
    written, missing, or unknown to it; so is everything where there is no manifest. A manifest is only a list that
    came with the folder: whoever changes a file can change it, too. Symbolic links are not followed; folders that the
    manifest does not name are not opened, and end in a slash.
    """
    try:
        found = read_manifest(folder)
    except InvalidInput:
        found = None
    listed = {} if found is None else found.digests
    result: dict[str, State] = {}
    for name in sorted({*_entries(folder, {Path(name).parent.name for name in listed}), *listed}):
        path = folder / name
        if name in checked and digest_of(path) == checked[name]:
            result[name] = "checked"
        elif name == MANIFEST and found is not None:
            result[name] = "manifest"
        elif name not in listed:
            result[name] = "unknown"
        elif (path.parent.is_symlink() and path.parent != folder) or not os.path.lexists(path):
            result[name] = "missing"
        else:
            result[name] = "unchanged" if digest_of(path) == listed[name] else "changed"
    return result


def _entries(folder: Path, opened: Collection[str]) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                yield entry.name
            elif entry.name not in opened:
                yield f"{entry.name}/"
            else:
                for inner in os.scandir(entry.path):
                    slash = "/" if inner.is_dir(follow_symlinks=False) else ""
                    yield f"{entry.name}/{inner.name}{slash}"


def quoted(name: str) -> str:
    """A file's name as it is when it is plain, else in quotes and escaped.

    >>> print(quoted("left.json"), quoted("a, checked: b"))
    left.json "a, checked: b"
    """
    return name if re.fullmatch(r"[A-Za-z0-9._+/-]+", name) else printable(json.dumps(name))
