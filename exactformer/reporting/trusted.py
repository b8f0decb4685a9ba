"""What a verdict rests on: the kernel's source, and the versions of Python and of the packages."""

from __future__ import annotations

import ast
import hashlib
import io
import platform
import tokenize
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from exactformer import kernel
from exactformer.version import __version__

PACKAGES = ("numpy", "sympy", "z3-solver", "python-flint", "highspy")
_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


@dataclass(frozen=True)
class KernelFacts:
    """The kernel's source: its digest, its number of lines, those with code on them, and its files by name.

    `sha256` is what `LC_ALL=C sh -c 'sha256sum *.py | sha256sum'` prints in the kernel's folder.
    """

    sha256: str
    lines: int
    code_lines: int
    files: tuple[str, ...]


def kernel_facts(folder: Path | None = None) -> KernelFacts:
    """The facts of the kernel that is installed, or of the one in `folder`. Raises `OSError` when it cannot be read."""
    paths = sorted((folder or Path(kernel.__path__[0])).glob("*.py"), key=lambda path: path.name)
    data = [path.read_bytes() for path in paths]
    digests = (f"{hashlib.sha256(d).hexdigest()}  {p.name}\n" for d, p in zip(data, paths, strict=True))
    return KernelFacts(
        sha256=hashlib.sha256("".join(digests).encode()).hexdigest(),
        lines=sum(len(d.splitlines()) for d in data),
        code_lines=sum(code_lines(d.decode()) for d in data),
        files=tuple(path.name for path in paths),
    )


def code_lines(source: str) -> int:
    """The number of lines of Python source that hold code, not only a comment, a docstring or nothing.

    >>> code_lines('\"\"\"A docstring.\"\"\"\\n\\n# a comment\\nx = 1  # counted\\n')
    1
    """
    found: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SILENT:
            found.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            found.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(found)


def installed_versions() -> dict[str, str]:
    """The versions of Python, of this package and of the packages that it may call, as far as installed."""
    versions = {"Python": platform.python_version(), "exactformer": __version__}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
