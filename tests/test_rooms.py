"""The order of rooms: a module imports only from rooms above its own, and no modules import one another in a circle."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import exactformer

ROOT = Path(exactformer.__file__).parent
# From top to bottom; what stands in one line may not import from one another.
ROOMS = (
    ("version", "errors", "kernel"),
    ("shapes", "arguments"),
    ("rational", "work"),
    ("enclosure",),
    ("domain",),
    ("polyhedra", "networks"),
    ("formats", "numeric"),
    ("claims",),
    ("manifest", "building", "compiler", "documents", "functions"),
    ("prover", "subdivision", "generic"),
    ("measuring", "piecewise"),
    ("approximation", "reporting"),
    ("checking", "folder"),
    ("linking", "rechecked", "exporting", "theorems"),
    ("cli",),
)
HEIGHT = {room: number for number, rooms in enumerate(ROOMS) for room in rooms}


def imports(path: Path) -> set[str]:
    """The modules of the package that a file imports, wherever in the file, but for types alone."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    package = ("exactformer", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            parts = (f"{module}.{alias.name}" for alias in node.names)
            found |= {part if is_module(part) else module for part in parts}
    return {name for name in found if name.split(".")[0] == "exactformer"}


def is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split(".")[1:])
    return place.is_dir() or place.with_suffix(".py").is_file()


def name_of(path: Path) -> str:
    return ".".join(("exactformer", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


FILES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def test_every_room_has_a_place() -> None:
    assert {room(name) for name in FILES} - {"", "__main__"} == HEIGHT.keys()


def test_a_module_imports_only_from_rooms_above_its_own() -> None:
    wrong = [
        f"{name} imports {other}"
        for name, path in FILES.items()
        if room(name) in HEIGHT
        for other in sorted(imports(path))
        if room(other) != room(name) and HEIGHT.get(room(other), len(ROOMS)) >= HEIGHT[room(name)]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_modules_import_one_another_in_a_circle() -> None:
    packages = {name for name, path in FILES.items() if path.name == "__init__.py"}
    TopologicalSorter({name: imports(path) - {name} - packages for name, path in FILES.items()}).prepare()
