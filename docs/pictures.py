"""Draws the pictures of the README from the committed proofs: python docs/pictures.py"""

from pathlib import Path

from exactformer.folder import read_report
from exactformer.formats.files import write_atomically
from exactformer.reporting.svg import svg

HERE = Path(__file__).parent

for name in ("maxout-rank-3", "triangle-wave"):
    picture = read_report(HERE.parent / "proofs" / name).picture
    if picture is None:
        raise SystemExit(f"{name}: expected a proof by regions with one or two inputs")
    text = svg(picture).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    write_atomically(HERE / "pictures" / f"{name}.svg", text + "\n")
