"""What the verbs that answer with numbers have in common: options, the folder that is written, the JSON object."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from exactformer.cli.answers import proof_folder, say, settled, write, written_lines
from exactformer.cli.exits import EXIT
from exactformer.cli.options import base_option, domain_options
from exactformer.cli.parser import natural, seconds
from exactformer.cli.working import working_options

LOWER = "lower"  # in a proof folder: the certificate of the lower bound
Witnessed = Mapping[str, tuple[str, Any]]  # of each of these the place and the certificate, by name


def measuring_options(parser: argparse.ArgumentParser) -> None:
    """Where it is asked, how near the bounds shall come, and where the proof is written."""
    domain_options(parser)
    parser.add_argument(
        "--ratio", metavar="R", help="upper over lower bound that is near enough; default: 1, softmax 2, formulas 1.01"
    )
    base_option(parser)
    parser.add_argument("--tie", default="average", choices=("average", "leftmost", "rightmost"))
    parser.add_argument("--out", metavar="DIR", help="the proof folder")
    parser.add_argument("--timeout", type=seconds, default=300.0, metavar="SECONDS", help="default: 300")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the search for points")
    working_options(parser)
    parser.add_argument("--kernel", action="store_true", help="put the kernel's source into the proof folder")
    parser.set_defaults(obligations=False)


def how(options: argparse.Namespace) -> dict[str, Any]:
    """These options as arguments of `distance`, `output_range` and `temperature`."""
    shared = {name: getattr(options, name) for name in ("ratio", "tie", "timeout", "seed")}
    return {**shared, "base": options.base or "e"}


def folder_for(
    options: argparse.Namespace, name: str, networks: Mapping[str, Any], points: Collection[str] = (LOWER,)
) -> Path:
    """The folder asked for, which can be written, also the certificates of `points`. Raises `InvalidInput` if not."""
    from exactformer.documents.pages import names

    return proof_folder(options, name, networks, (*names(options.command), *map(_file, points)))


def witnessed_of(result: Any, folder: Path) -> dict[str, tuple[str, Any]]:
    """The certificates of points that go into the folder: of each name the place, and the certificate."""
    found = {} if result.outcome is None else result.witnessed()
    return {name: (str(folder / _file(name)), own.certificate) for name, own in found.items()}


def answer(
    options: argparse.Namespace,
    result: Any,
    folder: Path,
    work: Any,
    keys: Mapping[str, Any],
    witnessed: Witnessed | None = None,
) -> int:
    """Write the proof and its page, if there is a bound, and print the answer."""
    from exactformer.documents.pages import rendered
    from exactformer.prover.certificate import dump

    outcome = result.outcome
    witnessed = witnessed_of(result, folder) if witnessed is None else witnessed
    if outcome is not None:
        pages = dict(rendered(result.document(), options.command))
        write(options, outcome, folder, pages | {_file(name): dump(own) for name, (_, own) in witnessed.items()})
    settled(options, result, folder, work)
    if options.json:
        certified = outcome is not None and outcome.certificate is not None
        value = {
            "verdict": result.verdict,
            "method": "distance",
            "claim": None if outcome is None else outcome.claim.name,
            "parameters": None if outcome is None else outcome.claim.parameters,
            "domain": None if outcome is None else outcome.domain.to_json(),
            **keys,
            "certificate": str(folder / "certificate.json") if certified else None,
            "lower_certificate": witnessed[LOWER][0] if LOWER in witnessed else None,
            "theorem": None if outcome is None else outcome.theorem,
            "reason": result.reason,
            "seconds": round(result.seconds, 6),
            "counts": {} if outcome is None else outcome.counts,
        }
        print(json.dumps(value))
    elif not options.quiet:
        say(str(result).splitlines())
        if outcome is not None:
            page = f"  page      {folder}/{options.command}.html"
            say([*written_lines(outcome, folder), *_check_lines(witnessed), page])
    return EXIT[result.verdict]


def _file(name: str) -> str:
    return f"{name}.json"


def _check_lines(witnessed: Witnessed) -> Iterator[str]:
    """How the certificates of points are checked: of each kind the first."""
    kinds: dict[str, list[str]] = {}
    for name, (place, _) in witnessed.items():
        kinds.setdefault(name.partition("-")[0], []).append(place)
    for kind, (first, *others) in kinds.items():
        yield f"  {kind:9} exactformer check {first}" + (f", and {len(others)} more" if others else "")


def keys_of(result: Any) -> dict[str, Any]:
    """What a distance says as JSON data: its bounds, their ratio as a float, and the point with the value there."""
    from exactformer.rational import nearly

    return {
        "upper": number(result.upper),
        "lower": number(result.lower),
        "value": value_of(result.extreme.value),
        "ratio": None if result.ratio is None else nearly(result.ratio),
        "point": point_of(result.point),
    }


def number(value: Fraction | None) -> str | None:
    """An exact number as text."""
    from exactformer.rational import number_text

    return None if value is None else str(number_text(value))


def value_of(value: Any) -> Any:
    """The value at a point: a number, or an object with the bounds of one that is irrational."""
    if value is None or isinstance(value, Fraction):
        return number(value)
    return {"lower": number(value.lower), "upper": number(value.upper)}


def point_of(point: Any) -> list[str | None] | None:
    """A point as a list of numbers."""
    return None if point is None else [number(x) for x in point]
