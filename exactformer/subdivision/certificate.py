"""A count that can be checked: the certificate `exactformer/regions-1`, for the kernel.

It has a point inside each region; if the count is complete and the domain bounded, also the vertices of each, whose
convex hulls fill the domain. Many regions are in pieces, files of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from exactformer.arguments import as_path
from exactformer.domain import Domain
from exactformer.errors import Unsupported
from exactformer.formats.network_json import dump as network_text
from exactformer.kernel.counts import PIECES as FORMAT
from exactformer.kernel.shards import root
from exactformer.manifest import CERTIFICATE, check_place, write_files
from exactformer.networks import Network, Transformer
from exactformer.rational import number_text
from exactformer.subdivision.engine import neighbours
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.polytope import MOST_INPUTS
from exactformer.subdivision.result import Regions, check_regions
from exactformer.work import OutOfTime

NETWORK, README = "network.json", "README.txt"
PIECE = 5_000  # regions of a file; a count of no more is in the certificate itself
PIECES = "regions-*.json"
EXPLANATION = """{theorem}

network.json      the network, in the format exactformer/network-1
certificate.json  a point inside each region{hulls}, in the format exactformer/regions-1{pieces}
manifest.json     the digests of all files: which are as they were written

To check it again, with exactformer installed:  exactformer check .
or with nothing but Python 3.11 and the source of exactformer:
  python -I -S exactformer/kernel certificate.json
Both say what has been shown. The format, and why it shows it: docs/regions.md.
"""


def certificate(found: Regions, *, check: Check = unlimited) -> dict[str, Any]:
    """The certificate of a count as JSON data: exact where the regions are complete, a lower bound otherwise.

    Where `check` raises `OutOfTime`, it is a lower bound with the points that are found by then.

    Raises `Unsupported` for a Transformer (whose certificate is that of its source, and the proof that they are
    equal) and for a domain without bounds.
    """
    return _certificate(found, network_text(found.network), check)


def _certificate(found: Regions, network: str, check: Check) -> dict[str, Any]:
    check_question(found.network, found.domain)
    points = list(found.points_in_time(check))
    value: dict[str, Any] = {
        "format": "exactformer/regions-1",
        "network": {"file": NETWORK, "sha256": sha256(network.encode()).hexdigest()},
        "domain": found.domain.to_json(),
        "regions": len(points),
        "points": [[number_text(x) for x in point] for point in points],
    }
    if found.complete and len(points) == len(found) and found.domain.dimension <= MOST_INPUTS:
        numbers: dict[tuple[Fraction, ...], int] = {}
        hulls = []
        try:
            for corners in found.corners():
                check()
                hulls.append([numbers.setdefault(v, len(numbers)) for v in corners])
        except OutOfTime:
            return value
        value["hulls"] = hulls
        value["vertices"] = [[number_text(x) for x in vertex] for vertex in numbers]
    return value


def certificate_files(value: Mapping[str, Any], domain: Domain) -> dict[str, str]:
    """The files of a certificate by their names, the certificate itself last; many regions are in pieces."""
    count: int = value["regions"]
    if count <= PIECE:
        return {CERTIFICATE: _text(value)}
    groups = neighbours(_places(value["points"], domain), np.arange(count), -(-count // PIECE))
    files = {PIECES.replace("*", f"{i:05}"): _text(_piece(value, some.tolist())) for i, some in enumerate(groups)}
    digests = [sha256(text.encode()).hexdigest() for text in files.values()]
    shards = [{"file": name, "sha256": digest} for name, digest in zip(files, digests, strict=True)]
    rest = {key: value[key] for key in ("format", "network", "domain", "regions")}
    return {**files, CERTIFICATE: _text(rest | {"shards": shards, "root": root(digests)})}


def _places(points: Sequence[Sequence[Any]], domain: Domain) -> Any:
    """Where points lie between the bounds of the domain, from 0 to 1: floats hold these, however large the numbers."""
    sides = [(low or Fraction(0), high or Fraction(0)) for low, high in zip(domain.lower, domain.upper, strict=True)]
    return np.array(
        [
            [float((Fraction(x) - low) / (high - low)) for x, (low, high) in zip(point, sides, strict=True)]
            for point in points
        ]
    )


def _piece(value: Mapping[str, Any], some: Sequence[int]) -> dict[str, Any]:
    """Some regions of a certificate, with those vertices that they have."""
    piece = {"format": FORMAT, "points": [value["points"][i] for i in some]}
    if "hulls" in value:
        numbers: dict[int, int] = {}
        piece["hulls"] = [[numbers.setdefault(v, len(numbers)) for v in value["hulls"][i]] for i in some]
        piece["vertices"] = [value["vertices"][v] for v in numbers]
    return piece


def _text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


def check_question(network: Network, domain: Domain) -> None:
    """Raises `Unsupported` where there can be no certificate, before the work and not after it."""
    if isinstance(network, Transformer):
        raise Unsupported(
            "regions: expected a maxout or ReLU network for a certificate, found a Transformer; "
            "prove that it equals such a network and certify the count of that"
        )
    if not domain.is_bounded_box:
        raise Unsupported(f"regions: expected a bounded domain for a certificate, found {domain}")


def check_folder(network: Network, folder: str | Path, inputs: Sequence[Path] = ()) -> None:
    """Raises what `write_certificate` would raise of its folder, before the work and not after it."""
    known = {NETWORK: network_text(network).encode()}
    names = {NETWORK, README, CERTIFICATE, *(path.name for path in Path(folder).glob(PIECES))}
    check_place(Path(folder), "count", names, known=known, inputs=inputs)


def write_certificate(
    found: Regions, folder: str | Path, *, inputs: Sequence[Path] = (), check: Check = unlimited
) -> Path:
    """Write a folder with the network, the certificate of its count and a README; returns the certificate's path.

    The regions of a count of more than 5,000 are in files of about so many each, neighbours together, which can be
    checked side by side. `check` limits the time as in `certificate`.

    `exactformer check FOLDER` re-checks it. What an earlier run wrote there gives way. Raises as `certificate` does,
    and `InvalidInput` when the folder cannot be written, when another file is in the way, and for one of `inputs`
    (files that the user gave) that would be changed; nothing is changed then.
    """
    check_regions(found)
    folder = as_path(folder, "folder")
    network = network_text(found.network)
    value = _certificate(found, network, check)
    written = certificate_files(value, found.domain)
    exactly = "exactly" if "hulls" in value else "at least"
    hulls = ", and vertices whose convex hulls fill the domain" if "hulls" in value else ""
    theorem = f"The network has {exactly} {value['regions']} activation regions on {found.domain}."
    pieces = f"; its regions\n                  are in the files {PIECES}" if len(written) > 1 else ""
    explanation = EXPLANATION.format(theorem=theorem, hulls=hulls, pieces=pieces)
    files = {NETWORK: network, README: explanation, **written}
    write_files(folder, "count", files, inputs=inputs)
    return folder / CERTIFICATE
