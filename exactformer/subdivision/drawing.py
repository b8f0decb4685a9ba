"""Pictures of regions: the cells in the plane for two inputs, the graph and its breakpoints for one.

Coordinates are rounded to floats here and nowhere else. Needs matplotlib, the extra `plot`.
"""

from __future__ import annotations

import warnings
from fractions import Fraction
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from exactformer.arguments import as_path, one_of
from exactformer.domain import Domain
from exactformer.errors import Faults, InvalidInput, Unsupported, printable
from exactformer.formats.files import write_atomically
from exactformer.networks import Network, Transformer
from exactformer.subdivision.limit import Check, unlimited
from exactformer.subdivision.points import floats
from exactformer.subdivision.result import Regions, check_regions

Colour = Literal["map", "layer"]
FORMATS = (".svg", ".png", ".pdf")
SIZE, DPI = 7.0, 300
MAKER = "exactformer"  # named in the file: by that it is known as one that may be replaced
LETTERS = 60  # of a name in a title
CURVES = 8  # outputs whose graphs are drawn


def draw(
    found: Regions,
    path: str | Path,
    *,
    colour: Colour = "map",
    names: tuple[str, ...] = ("x1", "x2"),
    dpi: int = DPI,
    check: Check = unlimited,
) -> None:
    """Draw the regions of a network with one or two inputs into a file, SVG, PNG or PDF by its name.

    With two inputs the cells are filled by affine map, or with `colour="layer"` the walls between them are coloured by
    the layer that draws them, which is the first in which the patterns of the two sides differ. With one input the
    outputs are drawn as functions, with their breakpoints. Nothing is written when `check` raises `OutOfTime`.

    Raises `Unsupported` for other numbers of inputs, for an unbounded domain, for `layer` where the cells come from a
    Transformer, and when matplotlib is missing; `InvalidInput` for another file format or a place that cannot be
    written.
    """
    check_regions(found)
    path = as_path(path, "draw")
    check_library()
    check_drawing(path, found.network, found.domain, colour)
    inputs = found.domain.dimension
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {"svg.hashsalt": "exactformer", "svg.fonttype": "none", "font.size": 8}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        figure = Figure(figsize=(SIZE, SIZE if inputs == 2 else SIZE * 0.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        if inputs == 1:
            _graph(axes, found, names, check)
        elif colour == "map":
            _cells(axes, found, names, check)
        else:
            _walls(axes, found, names)
        check()
        axes.set_title(_title(found), fontsize=9, parse_math=False)
        author = {".svg": {"Date": None, "Creator": MAKER}, ".png": {"Software": MAKER}}
        author[".pdf"] = {"CreationDate": None, "Creator": MAKER}
        warnings.simplefilter("ignore")  # a name may have letters that the font lacks
        data = Watched(check)
        figure.savefig(data, dpi=dpi, metadata=author[path.suffix.lower()], format=path.suffix.lower()[1:])
    write_atomically(path, data.getvalue())


class Watched(BytesIO):
    """A file in memory that calls `check` with everything that is written to it."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    def write(self, data: Any) -> int:
        """Write the bytes; raises what the check raises."""
        self._check()
        return super().write(data)


def check_drawing(path: str | Path, network: Network, domain: Domain, colour: str) -> None:
    """Raises what `draw` would raise for this picture (but see `check_library`), before the work and not after it."""
    path = as_path(path, "draw")
    if path.suffix.lower() not in FORMATS:
        raise InvalidInput(f"{path}: expected a name that ends in {', '.join(FORMATS)}, found {path.suffix!r}")
    faults = Faults()
    one_of(colour, ("map", "layer"), "colour", faults)
    faults.settle()
    if domain.dimension not in (1, 2) or not domain.is_bounded_box:
        raise Unsupported(
            f"picture: expected one or two inputs and a bounded domain, found {domain}; a slice has two inputs"
        )
    lower, upper = (floats([x for x in ends if x is not None]) for ends in (domain.lower, domain.upper))
    if any(lo >= hi for lo, hi in zip(lower, upper, strict=True)):
        raise Unsupported(f"picture: expected a domain that is wide enough for floats, found {domain}")
    if colour == "layer" and domain.dimension == 2 and isinstance(network, Transformer):
        raise Unsupported("picture: expected a maxout or ReLU network for the colours of layers, found a Transformer")


def check_library() -> None:
    """Raises `Unsupported` where matplotlib is missing: that is no fault of any network."""
    if find_spec("matplotlib") is None:
        raise Unsupported("picture: expected matplotlib, found none; pip install 'exactformer[plot]'")


def _title(found: Regions) -> str:
    least = "" if found.complete else "at least "
    name = f"{printable(found.network.name)[:LETTERS]}: " if found.network.name else ""
    fewest = "at least " if "distinct_affine_maps" in found.at_least else ""
    maps = f"{fewest}{found.distinct_affine_maps} affine maps"
    return f"{name}{least}{found.activation_regions} activation regions, {maps}"


def _cells(axes: Any, found: Regions, names: tuple[str, ...], check: Check) -> None:
    from matplotlib.collections import PolyCollection

    polygons, classes = found.polygons(check), found.maps_in_time(check)
    colours = _palette(len(polygons) and int(classes.max()) + 1)[classes]
    width = float(np.clip(20.0 / np.sqrt(max(1, len(polygons))), 0.08, 0.8))
    axes.add_collection(PolyCollection(polygons, facecolors=colours, edgecolors="#20242c", linewidths=width))
    _frame(axes, found, names)


def _walls(axes: Any, found: Regions, names: tuple[str, ...]) -> None:
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    segments, layers = found.walls()
    width = float(np.clip(40.0 / np.sqrt(max(1, len(found))), 0.15, 1.2))
    count = int(layers.max(initial=-1)) + 1
    shades = _shades(count)
    for layer in range(count - 1, -1, -1):  # the first layers on top
        chosen = segments[layers == layer]
        axes.add_collection(LineCollection(chosen, colors=[shades[layer]], linewidths=width))
    handles = [Line2D([], [], color=shades[i], label=f"layer {i + 1}") for i in range(count)]
    if handles:
        axes.legend(handles=handles, loc="upper right", fontsize=7, framealpha=0.9)
    _frame(axes, found, names)


def _frame(axes: Any, found: Regions, names: tuple[str, ...]) -> None:
    (left, bottom), (right, top) = (
        floats([x or Fraction(0) for x in e]) for e in (found.domain.lower, found.domain.upper)
    )
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_box_aspect(1)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])


def _graph(axes: Any, found: Regions, names: tuple[str, ...], check: Check) -> None:
    pieces = []
    for region in found:
        check()
        pieces.append((region.vertices, region.affine))
    pieces.sort(key=lambda piece: piece[0])
    for output in range(min(found.network.outputs, CURVES)):
        xs: list[float] = []
        ys: list[float] = []
        for ends, affine in pieces:
            for (x,) in ends:
                xs += floats([x])
                ys += floats([affine.weights.row(output).get(0, 0) * x + affine.biases[output]])
        marker = "o" if len(xs) <= 400 else None
        label = f"y{output + 1}"
        axes.plot(xs, ys, marker=marker, markersize=2.5, linewidth=1.0, color=_shades(CURVES)[output], label=label)
    if found.network.outputs > 1:
        axes.legend(fontsize=7)
    axes.set_xlabel(names[0])
    axes.set_ylabel("y" if found.network.outputs == 1 else "outputs")
    axes.grid(True, linewidth=0.3, alpha=0.6)


def _palette(count: int) -> Any:
    """So many light colours, neighbours in number far apart in hue."""
    from matplotlib.colors import hsv_to_rgb

    numbers = np.arange(max(count, 1))
    hue = (numbers * 0.61803398875) % 1.0
    return hsv_to_rgb(np.column_stack([hue, 0.16 + 0.16 * (numbers % 3) / 2, 0.98 - 0.1 * (numbers % 4) / 3]))


def _shades(count: int) -> Any:
    from matplotlib import colormaps

    return [colormaps["viridis"](0.85 * i / max(1, count - 1)) for i in range(count)]
