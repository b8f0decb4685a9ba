"""The LaTeX of reports is compiled by `pdflatex`; run by `.ci/long tex`, where TeX is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from exactformer.documents import Document, render_latex
from exactformer.documents.document import Code, Commands, Facts, Formula, Paragraph, Section, Statement, Steps, Table
from exactformer.documents.latex import MATHEMATICS, TEXT
from exactformer.folder import read_report
from exactformer.reporting import document_of

PROOFS = Path(__file__).parents[1] / "proofs"
FOLDERS = sorted(path.parent.name for path in PROOFS.glob("*/report.json"))
EVERY = "".join(map(chr, range(1, 0x180))) + "".join(TEXT) + "".join(MATHEMATICS) + "☃--``''<<>>,,?`!` \\end{document}"


def compiled(text: str, folder: Path) -> None:
    """Compile a text; TeX must not stop, and no line may be wider than the page by more than a centimetre."""
    (folder / "report.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    for _ in range(2):  # the columns of long tables settle in the second run
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    wide = [line for line in done.stdout.splitlines() if line.startswith("Overfull \\hbox")]
    assert not [line for line in wide if float(line.split("(")[1].split("pt")[0]) > 28], wide
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("name", FOLDERS)
def test_reports_of_proofs(name: str, tmp_path: Path) -> None:
    compiled(render_latex(document_of(read_report(PROOFS / name))), tmp_path)


def test_every_character(tmp_path: Path) -> None:
    cells = (EVERY, Code(EVERY), Formula(EVERY))
    blocks = (
        Statement(EVERY, EVERY, EVERY, EVERY),
        Paragraph(EVERY),
        Steps((EVERY,)),
        Facts(tuple((EVERY[i : i + 20], cell) for i, cell in enumerate(cells)), EVERY),
        Table(EVERY, ("a", "b", "c"), "lrl", (cells,), EVERY),
        Commands((EVERY,)),
    )
    document = Document(EVERY, "proved", (Section(EVERY, blocks),))
    (tmp_path / "report.tex").write_text(render_latex(document, EVERY), encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
