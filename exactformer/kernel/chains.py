"""Theorems composed of theorems: what a certificate of the format `FORMAT` shows.

Its links are certificates in the same folder, each of the claim *equal* or *within*, about one domain and under one tie
rule. The first speaks of sides A and B, the next of B and C, and so on to Z: by the triangle inequality |A(x) - Z(x)|
is at most the sum of what the links allow, and A(x) = Z(x) if all of them are equalities. Two sides are the same if the
bytes of their files are, and the temperatures at which they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from . import claims
from .reading import array, named_file, parse_json, rational, reject, table
from .statements import Job

FORMAT = "exactformer/chain-1"
CLAIMS = ("equal", "within")
ENDS = ("left", "right")


@dataclass(frozen=True)
class Chained:
    """That the two ends of a chain are equal, or within a distance of each other."""

    claim: str
    parameters: dict[str, object]
    statement: str
    tie: object
    domain: dict[str, object]
    digests: dict[str, str]  # of the files of the two ends
    files: dict[str, str]  # the SHA-256 of all files that were read
    counts: dict[str, int]  # of the steps of all links

    def to_json(self) -> dict[str, object]:
        """What the kernel says of it, as JSON data."""
        keys = ("claim", "parameters", "tie", "digests", "domain", "files", "counts")
        return {"theorem": self.statement, "holds": True} | {key: getattr(self, key) for key in keys}


@dataclass(frozen=True)
class Side:
    """One side of a link: the file by its SHA-256, and how it is read."""

    digest: str
    job: Job

    def same(self, other: Side) -> bool:
        """Whether both are one function."""
        return (self.digest, self.job.semantics) == (other.digest, other.job.semantics)


@dataclass(frozen=True)
class Link:
    """A theorem that two sides are equal, or within a distance of each other, read from the first to the last."""

    theorem: claims.Theorem
    epsilon: Fraction | None  # None: equal
    first: Side
    last: Side


def check(value: dict[str, object], read: Callable[[str], bytes], place: str) -> Chained:
    """What a chain shows; `read` gives the contents of a file by its plain name. Raises `Rejected`."""
    table(value, place, ("format", "links"), ("untrusted",))
    files: dict[str, str] = {}
    items = array(value["links"], f"{place}: links")
    links = [_link(item, read, f"{place}: links[{i}]", files) for i, item in enumerate(items)]
    if not links:
        reject(f"{place}: links", "at least one link", "none")
    theorem, first, last = links[0].theorem, links[0].first, links[-1].last
    for i, (before, link) in enumerate(pairwise(links), start=1):
        if (link.theorem.tie, link.theorem.domain) != (theorem.tie, theorem.domain):
            reject(f"{place}: links[{i}]", "the domain and the tie rule of the first link", "others")
        if not link.first.same(before.last):
            reject(f"{place}: links[{i}]", f"a theorem about the side with which links[{i - 1}] ends", "another side")
    counts = {name: sum(link.theorem.counts[name] for link in links) for name in theorem.counts} | {"links": len(links)}
    parameters: dict[str, object] = {}
    claim, relation = "equal", "left(x) = right(x)"
    if any(link.epsilon is not None for link in links):
        total = sum([link.epsilon or 0 for link in links], Fraction(0))
        claim, parameters, relation = "within", {"epsilon": str(total)}, f"|left(x) - right(x)| <= {total}"
    jobs = replace(first.job, side="L"), replace(last.job, side="R")
    words = ", ".join(["real arithmetic", *claims.attention(jobs, counts["ties"])])
    where = claims.formulas({"left": first.job.network, "right": last.job.network})
    statement = f"for every x in the domain, {relation}{where} ({words})"
    digests = {"left": first.digest, "right": last.digest}
    return Chained(claim, parameters, statement, theorem.tie, theorem.domain, digests, files, counts)


def _link(item: object, read: Callable[[str], bytes], place: str, files: dict[str, str]) -> Link:
    """A link, once the kernel accepts its certificate; what was read is entered among the files."""
    name, digest, data = named_file(item, place, read, ("from",))
    value = parse_json(data, name)
    if not isinstance(value, dict) or value.get("format") != claims.FORMAT or value.get("claim") not in CLAIMS:
        reject(place, f"a certificate of the format {claims.FORMAT} and the claim {' or '.join(CLAIMS)}", name)
    asked = claims.ask(value, read, name)
    theorem = asked.checked(value, read)
    if not theorem.holds:
        reject(place, "a claim that is proved", "one that is refuted")
    files |= {name: digest} | {value[side]["file"]: theorem.digests[side] for side in ENDS}
    files |= {piece["file"]: piece["sha256"] for piece in value.get("shards", ())}
    both = [Side(theorem.digests[end], job) for end, job in zip(ENDS, asked.statement.jobs, strict=True)]
    origin = table(item, place, ("file", "sha256"), ("from",)).get("from", "left")
    if origin not in ENDS:
        reject(f"{place}.from", " or ".join(ENDS), origin)
    first, last = both if origin == "left" else reversed(both)
    epsilon = None if value["claim"] == "equal" else rational(value["parameters"]["epsilon"], name)
    return Link(theorem, epsilon, first, last)
