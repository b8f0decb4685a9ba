"""`regions`: count, list and draw the linear regions of a network."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from exactformer.cli.answers import linear, say
from exactformer.cli.exits import BAD_INPUT, PROVED, UNKNOWN
from exactformer.cli.options import (
    about,
    asked_domain,
    chosen,
    construction_options,
    domain_options,
    input_files,
    network_in,
    no_effect,
    read_points,
)
from exactformer.cli.parser import command, seconds
from exactformer.cli.places import ARRAYS_MARK, PICTURE_MARK, output_file
from exactformer.cli.progress import shown
from exactformer.cli.working import working, working_options
from exactformer.errors import InvalidInput, Unsupported, printable
from exactformer.work import Deadline, OutOfTime

TIE: Literal["average"] = "average"
COLOUR: Literal["map"] = "map"
REPORT, PAGE = "report", "report.html"


def add(commands: Any) -> None:
    """The options of `regions`."""
    parser = command(commands, "regions", run, "count, list and draw the linear regions of a network, exactly")
    parser.add_argument("network", metavar="NETWORK")
    domain_options(parser)
    wanted = parser.add_argument_group("what is wanted (default: the counts)")
    wanted.add_argument("--count", action="store_true", help="the counts; faces of finished parts are forgotten")
    wanted.add_argument("--list", action="store_true", help="every region: a point, its inequalities, its affine map")
    wanted.add_argument("--draw", metavar="FILE", help="a picture (.svg, .png, .pdf) for one or two inputs, or a slice")
    wanted.add_argument("--colour", choices=("map", "layer"), help="of the picture; default: map")
    wanted.add_argument("--certificate", metavar="DIR", help="a folder that `check` accepts: the network, the count")
    wanted.add_argument("--out", metavar="DIR", help="a folder with the report: text, Markdown, HTML and JSON")
    wanted.add_argument("--npz", metavar="FILE", help="the regions as NumPy arrays")
    which = parser.add_argument_group("of which network")
    which.add_argument("--of", default="source", choices=("source", "transformer"), help="NETWORK, or it compiled")
    which.add_argument("--tie", choices=("average", "leftmost", "rightmost"), help="of a Transformer; default: average")
    which.add_argument("--slice", metavar="x1,x2", help="only these inputs vary")
    which.add_argument("--at", metavar="X,Y,...", help="of --slice: the point of the others; default: the middle")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="past it: what was found, exit code 2")
    working_options(parser)
    construction_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run `regions`; returns the exit code."""
    network, domain, names, note = _of_which(options, network_in(options.network, options))
    no_picture = _check_places(options, network, domain)
    if no_picture is not None:
        say([f"exactformer: {no_picture}; the picture is left out"], sys.stderr)
    with working(options, Path(options.out) if options.count and options.out else None) as work:
        return _answered(options, network, domain, names, note, no_picture, work)


def _answered(
    options: argparse.Namespace,
    network: Any,
    domain: Any,
    names: tuple[str, ...],
    note: str | None,
    no_picture: str | None,
    work: Any,
) -> int:
    """Count, write what is asked for, and print the answer; returns the exit code."""
    from exactformer.subdivision import count, regions

    page = options.out and not options.count
    only = not (options.list or options.draw or options.certificate or options.npz or page)
    started = time.monotonic()
    with about(options.network), shown(options, work) as seen:
        how = {"timeout": options.timeout, "work": seen}
        if only and (options.tie or TIE) == TIE:
            found: Any = count(network, domain, **how)
        else:
            found = regions(network, domain, tie=options.tie or TIE, shapes=not only, **how)
    deadline = _more_time(options.timeout, started)
    qualified = _qualified(names) if options.slice or note else ""
    written, missing = _written(options, found, names, qualified, no_picture is None, deadline)
    listed = list(found.in_time(deadline.check)) if options.list else []
    if options.list and len(listed) < len(found):
        missing.append(f"{len(found) - len(listed)} of {len(found)} regions are not listed")
    seconds = time.monotonic() - started
    whole = not found.at_least and not missing
    in_time = whole or options.timeout is None
    reason = (note or found.reason) if in_time else _reason(found.at_least, missing, options.timeout)
    if options.json:
        value = found.to_json(regions=False)
        if options.list:
            value["regions"] = [region.to_json() for region in listed]
        proof = str(written[0]) if options.certificate else None
        reason = "; ".join(filter(None, (reason, no_picture))) or None
        head = {"verdict": "counted" if whole else "unknown", "reason": reason, "certificate": proof}
        print(json.dumps({**head, **value, "seconds": seconds}))
    elif not options.quiet:
        say(_counted(found, network, seconds))
        say(line for region in listed for line in _described(region, names))
        say(f"  written   {path}" for path in written)
        say([f"  {reason}"] if reason else [])
    if work.record is not None and found.complete:
        work.record.discard()
    if no_picture is not None:
        return BAD_INPUT
    return PROVED if whole else UNKNOWN


def _qualified(names: tuple[str, ...]) -> str:
    """What a report says of the network where only some of its inputs vary."""
    here = tuple(f"x{i + 1}" for i in range(len(names)))
    called = "" if here == names else f", called {', '.join(here)} here"
    return f"N is the network as a function of {', '.join(names)} alone{called}."


def _more_time(timeout: float | None, started: float) -> Deadline:
    """The limit for what is written and listed: what is left of the time, and a tenth of it more, to show something."""
    return Deadline() if timeout is None else Deadline(max(started + timeout, time.monotonic()) + timeout / 10)


def _written(
    options: argparse.Namespace, found: Any, names: tuple[str, ...], note: str, picture: bool, deadline: Deadline
) -> tuple[list[Path], list[str]]:
    """The files that were written, and what was not, as the time did not suffice."""
    from exactformer.documents.pages import rendered
    from exactformer.manifest import write_files
    from exactformer.subdivision.certificate import write_certificate
    from exactformer.subdivision.drawing import draw

    written: list[Path] = []
    missing: list[str] = []
    check = deadline.check
    if options.certificate:
        written.append(write_certificate(found, options.certificate, inputs=input_files(options), check=check))
    page = Path(options.out, PAGE) if options.out else None
    wanted = [file for file in (options.draw if picture else None, options.npz, page) if file]
    try:
        with about(options.network):
            if options.draw and picture:
                draw(found, options.draw, colour=options.colour or COLOUR, names=names, check=check)
                written.append(Path(options.draw))
            if options.npz:
                found.save_npz(options.npz, check=check)
                written.append(Path(options.npz))
            if page is not None:
                files = dict(rendered(found.document(note=note, check=check), REPORT))
                write_files(page.parent, "report", files, inputs=input_files(options))
                written.append(page)
    except OutOfTime:
        missing += [f"{printable(str(file))} is not written" for file in wanted if Path(file) not in written]
    return written, missing


def _reason(at_least: Sequence[str], missing: Sequence[str], timeout: float) -> str:
    """What the time did not suffice for."""
    parts = list(missing)
    if "activation_regions" in at_least:
        parts.insert(0, "there are at least so many")
    elif at_least:
        names = " and ".join(name.replace("_", " ") for name in at_least)
        parts.insert(0, f"the activation regions are all counted, of {names} there are at least so many")
    return f"out of time after {timeout:g} s: {'; '.join(parts)}"


def _check_places(options: argparse.Namespace, network: Any, domain: Any) -> str | None:
    """Raises for files that could not be written: before the work, not after it.

    Returns why there can be no picture, where something else was asked for that can be written all the same.
    """
    from exactformer.documents.pages import names
    from exactformer.manifest import check_place
    from exactformer.subdivision.certificate import check_folder, check_question
    from exactformer.subdivision.drawing import check_drawing, check_library

    inputs = input_files(options)
    _check_different(options)
    if options.certificate:
        with about(options.network):
            check_question(network, domain)
        check_folder(network, options.certificate, inputs)
    if options.out:
        check_place(Path(options.out), "report", names(REPORT), inputs=inputs)
    if options.npz:
        output_file(options.npz, inputs, ARRAYS_MARK)
    if options.draw:
        with about(options.network):
            check_drawing(options.draw, network, domain, options.colour or COLOUR)
        output_file(options.draw, inputs, PICTURE_MARK)
        try:
            check_library()
        except Unsupported as error:
            if not (options.certificate or options.npz or options.out or options.list or options.count):
                raise
            return str(error)
    return None


def _check_different(options: argparse.Namespace) -> None:
    """Raises `InvalidInput` where two things would be written to one place."""
    from exactformer.documents.pages import names
    from exactformer.manifest import CERTIFICATE, MANIFEST
    from exactformer.subdivision.certificate import NETWORK, README

    inside = (CERTIFICATE, NETWORK, README, MANIFEST, "")
    taken = [Path(options.certificate, name) for name in inside] if options.certificate else []
    taken += [Path(options.out, name) for name in (*names(REPORT), MANIFEST, "")] if options.out else []
    places = [os.path.realpath(name) for name in (*taken, options.draw, options.npz) if name]
    if len(set(places)) < len(places):
        raise InvalidInput("--certificate, --out, --draw, --npz: expected different places, found one of them twice")


def _of_which(options: argparse.Namespace, network: Any) -> tuple[Any, Any, tuple[str, ...], str | None]:
    """The network and domain whose regions are asked for, the names of its inputs, and what is to be said of them."""
    from exactformer.compiler import compile_network
    from exactformer.domain import Domain
    from exactformer.networks import Transformer
    from exactformer.subdivision.slices import coordinate_plane, fixed_inputs

    compiled = options.of == "transformer" and not isinstance(network, Transformer)
    how = chosen(options)
    if not compiled and options.construction is not None:
        raise no_effect("--construction", "--of transformer and a maxout or ReLU network")
    if not (compiled or isinstance(network, Transformer)) and options.tie is not None:
        raise no_effect("--tie", "a Transformer, or --of transformer")
    if options.at is not None and options.slice is None:
        raise no_effect("--at", "--slice")
    if options.colour is not None and options.draw is None:
        raise no_effect("--colour", "--draw")
    domain = asked_domain(options, network.inputs) or network.domain or Domain.everything(network.inputs)
    names = tuple(f"x{i + 1}" for i in range(network.inputs))
    note = None
    with about(options.network):
        fixed = fixed_inputs(domain)
        if options.slice is not None:
            axes = [_input(word, network.inputs) for word in options.slice.split(",")]
            at = read_points([options.at.split(",")], network.inputs)[0] if options.at is not None else None
            network = coordinate_plane(network, domain, axes, at)
            domain, names = network.domain, tuple(names[i] for i in axes)
        elif 0 < len(fixed) < network.inputs:  # flat: no region has an inside but within it
            free = [i for i in range(network.inputs) if i not in fixed]
            values = ", ".join(f"{names[i]} = {x}" for i, x in fixed.items())
            network = coordinate_plane(network, domain, free, None)
            domain, names = network.domain, tuple(names[i] for i in free)
            note = f"the domain fixes {values}: these are the regions as a function of {', '.join(names)}"
        if compiled:
            network = compile_network(network, domain=domain, **how).transformer
    return network, domain, names, note


def _input(word: str, inputs: int) -> int:
    """The number of an input from its name, x1, x2, ..."""
    match = re.fullmatch(r"\s*x?(\d{1,9})\s*", word)
    if match is None or not 1 <= int(match[1]) <= inputs:
        raise InvalidInput(f"--slice: expected inputs among x1 to x{inputs}, found {word!r}")
    return int(match[1]) - 1


def _counted(found: Any, network: Any, seconds: float) -> Iterator[str]:
    least = dict.fromkeys(found.at_least, "at least ")

    def number(name: str, words: str) -> str:
        count = getattr(found, name)
        return f"{least.get(name, '')}{count} {words}{'s'[: count != 1]}"

    yield f"{number('activation_regions', 'activation region')} on {found.domain}"
    yield f"  network   {network}"
    linear = number("linear_regions", "linear region")
    yield f"  linear    {linear}, {number('distinct_affine_maps', 'affine map')}"
    if found.faces is not None:
        kinds = ("vertices", "edges", "faces of dimension 2")
        inner = [kinds[i] if i < len(kinds) else f"of dimension {i}" for i in range(len(found.faces) - 1)]
        if inner:
            yield "  faces     " + ", ".join(f"{n} {kind}" for n, kind in zip(found.faces, inner, strict=False))
    yield f"  time      {seconds:.2f} s"


def _described(region: Any, names: Sequence[str]) -> Iterator[str]:
    from exactformer.prover.answer import vector

    yield f"region {region.number}: at {vector(region.point)}"
    for coefficients, constant in region.rows:
        yield f"    {linear(coefficients, constant, names)} >= 0"
    weights, biases = region.affine.weights.dense(), region.affine.biases.fractions()
    for i, (row, bias) in enumerate(zip(weights, biases, strict=True)):
        yield f"    y{i + 1} = {linear(row, bias, names)}"
