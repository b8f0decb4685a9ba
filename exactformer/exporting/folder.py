"""The folder of an export: the files for other engines, the exact networks, and the proof of how near they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from exactformer.arguments import as_path, instance
from exactformer.documents.pages import names, rendered
from exactformer.errors import Faults
from exactformer.exporting import arrays
from exactformer.exporting.document import document_of
from exactformer.exporting.driver import Export
from exactformer.folder import check_folder, write_folder
from exactformer.formats.files import read_bytes
from exactformer.formats.network_json import dump
from exactformer.manifest import MANIFEST, check_place, read_manifest, write_files

FORMAT = "exactformer/export-1"
FACTS, SOURCE, EXACT, EXPORTED, CORRESPONDENCE = (
    *("export.json", "source.json", "exact.json", "exported.json", "correspondence.json"),
)
ROUNDING = "rounding"  # the folder of the proof
REPORT = "report"
ORIGINALS = ("original.onnx", "original.onnx.gz")
WRITERS: dict[str, tuple[str, Callable[[Export], bytes]]] = {
    "onnx": ("transformer.onnx", lambda made: made.onnx()),
    "npz": ("transformer.npz", lambda made: made.npz()),
    "safetensors": ("transformer.safetensors", lambda made: made.safetensors()),
    "torch": ("torch.safetensors", lambda made: arrays.safetensors(made.state_dict(), made.metadata())),
}


def check_export_folder(folder: Path, formats: Collection[str], *, inputs: Sequence[Path] = ()) -> None:
    """Raises what `write_export` would raise of the folder: known before the work, not after it."""
    everything = [FACTS, SOURCE, EXACT, EXPORTED, CORRESPONDENCE, *ORIGINALS, *names(REPORT)]
    check_place(folder, "export", [*everything, *(WRITERS[name][0] for name in formats)], inputs=inputs)
    check_folder(folder / ROUNDING, {}, inputs=inputs)


def write_export(
    made: Export,
    folder: str | Path,
    *,
    formats: Sequence[str] = ("onnx",),
    original: Path | None = None,
    inputs: Sequence[Path] = (),
) -> tuple[str, ...]:
    """Write an export, each file whole or not at all; returns the names of the files.

    `formats` are among onnx, npz, safetensors and torch. `original` is the ONNX file that the source was read from,
    which is copied, so that `replay` can run it. Raises `InvalidInput` where the folder cannot be written or a file is
    in the way that exactformer did not write there, `Unsupported` where the library of a format is not installed.
    """
    faults, place = Faults(), Path(as_path(folder, "folder"))
    instance(made, Export, "an Export", "export", faults)
    for name in formats:
        if name not in WRITERS:
            faults.add("formats", f"names among {', '.join(WRITERS)}", name)
    faults.settle()
    check_export_folder(place, formats, inputs=inputs)
    files: dict[str, str | bytes] = {WRITERS[name][0]: WRITERS[name][1](made) for name in formats}
    files |= {SOURCE: dump(made.source), EXACT: dump(made.exact), EXPORTED: dump(made.transformer)}
    if made.correspondence is not None:
        files[CORRESPONDENCE] = json.dumps(made.correspondence.to_json(), indent=1) + "\n"
    files |= _original(original)
    document = document_of(made, (*files,))
    files |= dict(rendered(document, REPORT))
    facts = {"format": FORMAT, **{key: value for key, value in made.facts().items() if key != "correspondence"}}
    files[FACTS] = json.dumps(facts, indent=1) + "\n"
    _forget(place / ROUNDING, inputs)
    write_files(place, "export", files, inputs=inputs)
    if made.distance is not None and made.distance.outcome is not None:
        write_folder(made.distance.outcome, place / ROUNDING, inputs=inputs)
    return (*files,)


def _original(path: Path | None) -> dict[str, str | bytes]:
    """The file that the network came from, where an engine runs it."""
    if path is None:
        return {}
    ends = {name.removeprefix("original"): name for name in ORIGINALS}
    return {name: read_bytes(path) for end, name in ends.items() if path.name.lower().endswith(end)}


def _forget(folder: Path, inputs: Sequence[Path]) -> None:
    """Remove the proof of an earlier run, as far as it is as it was written."""
    if read_manifest(folder) is None:
        return
    write_files(folder, "proof", {}, inputs=inputs)
    (folder / MANIFEST).unlink()
    try:
        folder.rmdir()
    except OSError:
        return  # something else is in it
