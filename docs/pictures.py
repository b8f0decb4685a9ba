"""Draws the pictures of the README, of docs/regions.md and of docs/distance.md: python docs/pictures.py"""

import sys
from pathlib import Path

import exactformer as ef
from exactformer.documents.chart import Chart
from exactformer.documents.chart_svg import chart_svg
from exactformer.documents.document import Figure
from exactformer.documents.svg import svg
from exactformer.folder import read_report
from exactformer.formats.files import write_atomically
from exactformer.subdivision.drawing import draw

HERE = Path(__file__).parent

for name in ("maxout-rank-3", "triangle-wave"):
    picture = read_report(HERE.parent / "proofs" / name).picture
    if picture is None:
        raise SystemExit(f"{name}: expected a proof by regions with one or two inputs")
    text = svg(picture).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    write_atomically(HERE / "pictures" / f"{name}.svg", text + "\n")

source = ef.load(HERE.parent / "proofs" / "maxout-rank-3" / "left.json")
assert isinstance(source, ef.MaxoutNetwork)
found = ef.temperature(source, value=16).document()
figures = [block for section in found.sections for block in section.blocks if isinstance(block, Figure)]
for name, figure in zip(("error-map", "error-temperature"), figures, strict=True):
    assert isinstance(figure.picture, Chart)
    text = chart_svg(figure.picture).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    write_atomically(HERE / "pictures" / f"{name}.svg", text + "\n")

sys.path.insert(0, str(HERE.parent / "benchmarks"))
from regions import network  # noqa: E402

draw(ef.regions(network("relu", 2, [32] * 3, 2)), HERE / "pictures" / "regions-map.png", dpi=110)
draw(ef.regions(network("maxout", 2, [16] * 2, 3)), HERE / "pictures" / "regions-layer.png", colour="layer", dpi=110)
