"""Draws the pictures of the README and of docs/regions.md: python docs/pictures.py"""

import sys
from pathlib import Path

import exactformer as ef
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

sys.path.insert(0, str(HERE.parent / "benchmarks"))
from regions import network  # noqa: E402

draw(ef.regions(network("relu", 2, [32] * 3, 2)), HERE / "pictures" / "regions-map.png", dpi=110)
draw(ef.regions(network("maxout", 2, [16] * 2, 3)), HERE / "pictures" / "regions-layer.png", colour="layer", dpi=110)
