"""exactformer: Transformers that provably compute a given piecewise linear network.

    >>> import exactformer as ef
    >>> network = ef.ReluNetwork.of([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), domain=ef.Box([-1], [1]), name="|x|")
    >>> outcome = ef.prove(network)  # compile it to a Transformer, and prove that both are equal on the domain
    >>> outcome.verdict
    'proved'

Networks: `ReluNetwork.of`, `MaxoutNetwork.of`, `Transformer`, `load` and `save`; by hand: `exactformer.building`.
Functions by formulas: `function`; known by their values alone: `Sampled`.
Questions: `prove`, `verify` (with the claims of `exactformer.claims`), `verify_family`, `regions`, `check`; with a
number as the answer: `distance`, `range`, `temperature`. The theorems behind it, with their checks: `theorems`.
Long ones in processes, on clusters, with a record to go on from: `Work`, `Record`.
Answers: `Outcome`, `Regions`, `report`, `write_folder`, `draw`. Every name has its own `help`.
Piecewise linear functions as objects: `CPWL`.

Numbers are exact: integers, fractions, "1/3" and "0.1" as text are what they say, a float is the binary fraction that
it is. Bad arguments raise `InvalidInput`, which lists every fault. Names are loaded on first use, so that importing the
package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from exactformer.version import __version__ as __version__

_HOME = {
    "Affine": "networks",
    "Approximation": "approximation",
    "Block": "networks",
    "Box": "domain",
    "CPWL": "piecewise",
    "CertificateRejected": "errors",
    "Chain": "prover.chain",
    "Checked": "checking",
    "Claim": "claims",
    "Compiled": "compiler",
    "Correspondence": "compiler",
    "Distance": "measuring",
    "Domain": "domain",
    "Enclosure": "enclosure",
    "ExactformerError": "errors",
    "Export": "exporting",
    "FamilyResult": "prover",
    "FeedForward": "networks",
    "Function": "networks",
    "Head": "networks",
    "InvalidInput": "errors",
    "MaxoutLayer": "networks",
    "MaxoutNetwork": "networks",
    "Network": "networks",
    "Outcome": "prover",
    "OutputRange": "measuring",
    "Polyhedron": "domain",
    "Record": "work",
    "Regions": "subdivision",
    "ReluNetwork": "networks",
    "Replay": "exporting",
    "Sampled": "functions",
    "Transformer": "networks",
    "Unsupported": "errors",
    "Work": "work",
    "approximate": "approximation",
    "chain": "linking",
    "check": "checking",
    "compile": "compiler",
    "digest": "formats",
    "distance": "measuring",
    "draw": "subdivision",
    "evaluate_batch": "numeric",
    "export": "exporting",
    "function": "functions",
    "load": "formats",
    "prove": "prover",
    "range": "measuring",
    "regions": "subdivision",
    "replay": "exporting",
    "report": "reporting.page",
    "save": "formats",
    "temperature": "measuring",
    "verify": "prover",
    "verify_family": "prover",
    "write_chain": "folder",
    "write_export": "exporting",
    "write_folder": "folder",
}

# Public names that differ from the name in their module.
_ELSEWHERE = {"compile": "compile_network", "range": "output_range"}
# Those that users import from.
_MODULES = ("building", "claims", "errors", "functions", "piecewise", "subdivision", "theorems")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"exactformer.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"exactformer.{_HOME[name]}"), _ELSEWHERE.get(name, name))
    from exactformer.errors import did_you_mean

    hint = "" if name.startswith("_") else did_you_mean(name, __dir__())
    # With a name of its own and without an object: Python would else suggest the same once more.
    raise AttributeError(f"module 'exactformer' has no attribute {name!r}{hint}", name=name, obj=None)


def __dir__() -> list[str]:
    return sorted([*_HOME, *_MODULES, "__version__"])


if TYPE_CHECKING:
    from exactformer import building as building
    from exactformer import claims as claims
    from exactformer import errors as errors
    from exactformer import functions as functions
    from exactformer import piecewise as piecewise
    from exactformer import subdivision as subdivision
    from exactformer import theorems as theorems
    from exactformer.approximation import Approximation as Approximation
    from exactformer.approximation import approximate as approximate
    from exactformer.checking import Checked as Checked
    from exactformer.checking import check as check
    from exactformer.claims import Claim as Claim
    from exactformer.compiler import Compiled as Compiled
    from exactformer.compiler import Correspondence as Correspondence
    from exactformer.compiler import compile_network
    from exactformer.domain import Box as Box
    from exactformer.domain import Domain as Domain
    from exactformer.domain import Polyhedron as Polyhedron
    from exactformer.enclosure import Enclosure as Enclosure
    from exactformer.errors import CertificateRejected as CertificateRejected
    from exactformer.errors import ExactformerError as ExactformerError
    from exactformer.errors import InvalidInput as InvalidInput
    from exactformer.errors import Unsupported as Unsupported
    from exactformer.exporting import Export as Export
    from exactformer.exporting import Replay as Replay
    from exactformer.exporting import export as export
    from exactformer.exporting import replay as replay
    from exactformer.exporting import write_export as write_export
    from exactformer.folder import write_chain as write_chain
    from exactformer.folder import write_folder as write_folder
    from exactformer.formats import digest as digest
    from exactformer.formats import load as load
    from exactformer.formats import save as save
    from exactformer.functions import Sampled as Sampled
    from exactformer.functions import function as function
    from exactformer.linking import chain as chain
    from exactformer.measuring import Distance as Distance
    from exactformer.measuring import OutputRange as OutputRange
    from exactformer.measuring import distance as distance
    from exactformer.measuring import output_range
    from exactformer.measuring import temperature as temperature
    from exactformer.networks import Affine as Affine
    from exactformer.networks import Block as Block
    from exactformer.networks import FeedForward as FeedForward
    from exactformer.networks import Function as Function
    from exactformer.networks import Head as Head
    from exactformer.networks import MaxoutLayer as MaxoutLayer
    from exactformer.networks import MaxoutNetwork as MaxoutNetwork
    from exactformer.networks import Network as Network
    from exactformer.networks import ReluNetwork as ReluNetwork
    from exactformer.networks import Transformer as Transformer
    from exactformer.numeric import evaluate_batch as evaluate_batch
    from exactformer.piecewise import CPWL as CPWL
    from exactformer.prover import FamilyResult as FamilyResult
    from exactformer.prover import Outcome as Outcome
    from exactformer.prover import prove as prove
    from exactformer.prover import verify as verify
    from exactformer.prover import verify_family as verify_family
    from exactformer.prover.chain import Chain as Chain
    from exactformer.reporting.page import report as report
    from exactformer.subdivision import Regions as Regions
    from exactformer.subdivision import draw as draw
    from exactformer.subdivision import regions as regions
    from exactformer.work import Record as Record
    from exactformer.work import Work as Work

    compile = compile_network
    range = output_range
