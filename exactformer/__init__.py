"""exactformer: Transformers that provably compute a given piecewise linear network.

The names below are loaded on first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Box": "domain",
    "Domain": "domain",
    "Polyhedron": "domain",
    "InvalidInput": "errors",
    "Unsupported": "errors",
    "CertificateRejected": "errors",
    "MaxoutNetwork": "networks",
    "ReluNetwork": "networks",
    "Transformer": "networks",
    "load": "formats",
    "save": "formats",
    "digest": "formats",
    "compile": "compiler",
    "prove": "prover",
    "verify": "prover",
    "Outcome": "prover",
    "check": "checking",
    "regions": "subdivision",
    "Regions": "subdivision",
    "evaluate_batch": "numeric",
    "report": "reporting.page",
    "write_folder": "folder",
}

_ELSEWHERE = {"compile": "compile_network"}  # public names that differ from the name in their module


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'exactformer' has no attribute {name!r}")
    return getattr(importlib.import_module(f"exactformer.{_HOME[name]}"), _ELSEWHERE.get(name, name))


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])


if TYPE_CHECKING:
    from exactformer.checking import check as check
    from exactformer.compiler import compile_network as compile  # noqa: F401
    from exactformer.domain import Box as Box
    from exactformer.domain import Domain as Domain
    from exactformer.domain import Polyhedron as Polyhedron
    from exactformer.errors import CertificateRejected as CertificateRejected
    from exactformer.errors import InvalidInput as InvalidInput
    from exactformer.errors import Unsupported as Unsupported
    from exactformer.folder import write_folder as write_folder
    from exactformer.formats import digest as digest
    from exactformer.formats import load as load
    from exactformer.formats import save as save
    from exactformer.networks import MaxoutNetwork as MaxoutNetwork
    from exactformer.networks import ReluNetwork as ReluNetwork
    from exactformer.networks import Transformer as Transformer
    from exactformer.numeric import evaluate_batch as evaluate_batch
    from exactformer.prover import Outcome as Outcome
    from exactformer.prover import prove as prove
    from exactformer.prover import verify as verify
    from exactformer.reporting.page import report as report
    from exactformer.subdivision import Regions as Regions
    from exactformer.subdivision import regions as regions
