"""A count that can be checked: the certificate `exactformer/regions-1`, for `exactformer.recount`.

It has a point inside each region; if the count is complete and the domain bounded, also the vertices of each, whose
convex hulls fill the domain.
"""

from __future__ import annotations

import json
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from exactformer.errors import InvalidInput, Unsupported
from exactformer.formats.files import write_atomically
from exactformer.formats.network_json import dump as network_text
from exactformer.networks import Transformer
from exactformer.rational import number_text
from exactformer.subdivision.polytope import MOST_INPUTS
from exactformer.subdivision.result import Regions

NETWORK, CERTIFICATE, README = "network.json", "certificate.json", "README.txt"
EXPLANATION = """{theorem}

network.json      the network, in the format exactformer/network-1
certificate.json  a point inside each region{hulls}, in the format exactformer/regions-1

To check it again, with exactformer installed:  exactformer check .
or with nothing but Python 3.11 and the source of exactformer:
  python -I -S exactformer/recount.py certificate.json
Both say what has been shown. The format, and why it shows it: docs/regions.md.
"""


def certificate(found: Regions) -> dict[str, Any]:
    """The certificate of a count as JSON data: exact where the regions are complete, a lower bound otherwise.

    Raises `Unsupported` for a Transformer (whose certificate is that of its source, and the proof that they are
    equal) and for a domain without bounds.
    """
    if isinstance(found.network, Transformer):
        raise Unsupported(
            "regions: expected a maxout or ReLU network for a certificate, found a Transformer; "
            "prove that it equals such a network and certify the count of that"
        )
    if not found.domain.is_bounded_box:
        raise Unsupported(f"regions: expected a bounded domain for a certificate, found {found.domain}")
    value: dict[str, Any] = {
        "format": "exactformer/regions-1",
        "network": {"file": NETWORK, "sha256": sha256(network_text(found.network).encode()).hexdigest()},
        "domain": found.domain.to_json(),
        "regions": len(found),
        "points": [[number_text(x) for x in point] for point in found.points],
    }
    if found.complete and found.domain.dimension <= MOST_INPUTS:
        numbers: dict[tuple[Fraction, ...], int] = {}
        value["hulls"] = [[numbers.setdefault(v, len(numbers)) for v in corners] for corners in found.corners()]
        value["vertices"] = [[number_text(x) for x in vertex] for vertex in numbers]
    return value


def write_certificate(found: Regions, folder: str | Path) -> Path:
    """Write a folder with the network, the certificate of its count and a README; returns the certificate's path.

    `exactformer check FOLDER` re-checks it. Raises as `certificate` does, and `InvalidInput` when the folder cannot
    be written.
    """
    folder = Path(folder)
    value = certificate(found)
    text = json.dumps(value, separators=(",", ":")) + "\n"
    exactly = "exactly" if "hulls" in value else "at least"
    hulls = ", and vertices whose convex hulls fill the domain" if "hulls" in value else ""
    theorem = f"The network has {exactly} {len(found)} activation regions on {found.domain}."
    try:
        (folder / CERTIFICATE).unlink(missing_ok=True)  # files of two runs are never taken together
    except OSError as error:
        raise InvalidInput(f"{folder}: expected a place that can be written, found: {error.strerror}") from None
    write_atomically(folder / NETWORK, network_text(found.network))
    write_atomically(folder / README, EXPLANATION.format(theorem=theorem, hulls=hulls))
    write_atomically(folder / CERTIFICATE, text)
    return folder / CERTIFICATE
