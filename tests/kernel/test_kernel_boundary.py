"""The trust boundary: what the kernel imports, who can make a Theorem, and how the kernel runs as a program."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_material import box, certificate, encoded, judged, maxout, written

import exactformer.kernel
from exactformer.kernel import reading
from exactformer.kernel.certificates import FORMATS, check, check_file
from exactformer.kernel.claims import Theorem
from exactformer.kernel.reading import Rejected
from exactformer.kernel.statements import Domain

KERNEL = Path(exactformer.kernel.__file__).parent
ABSOLUTE = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
SUM = maxout([([[1], [-1]], [0, 0])], ([[1, 1]], [0]), "relu")
EQUAL = certificate(ABSOLUTE, SUM, box(1), claim="equal", inhabitant=[0], tree=[["holds"]])
LINE = maxout([], ([[1]], [0]))
DIFFER = certificate(ABSOLUTE, LINE, box(1), claim="equal", point=["-1/2"], values=[["1/2"], ["-1/2"]])
WITHIN = certificate(
    *(ABSOLUTE, SUM, box(1), "rightmost"),
    claim="within",
    parameters={"epsilon": 0.5},
    inhabitant=[0],
    tree=[["holds", ["1", []], ["1", []]]],
)
RANGE = certificate(
    *(SUM, None, box(1)),
    claim="range",
    parameters={"lower": ["0.0"], "upper": [None]},
    inhabitant=[0],
    tree=[["holds", ["1", [["L0.u0", 1, "1"], ["L0.u1", 1, "1"]]]]],
)

IMPORTS = {
    "__init__": set(),
    "__main__": {
        *("__future__", "json", "sys", "pathlib"),
        *("kernel.certificates", "kernel.processes", "kernel.reading"),
    },
    "reading": {
        *("__future__", "collections.abc", "fractions", "hashlib", "json", "math", "os", "pathlib", "re", "stat"),
        "typing",
    },
    "forms": {"__future__", "collections.abc", "fractions", "math", "typing"},
    "bounds": {"__future__", "collections.abc", "fractions"},
    "softmax": {"__future__", "collections.abc", "fractions", "functools", "typing", ".bounds"},
    "elementary": {"__future__", "fractions", "functools", "math"},
    "functions": {
        *("__future__", "collections.abc", "dataclasses", "fractions", "functools", "itertools", "typing"),
        *(".", ".elementary", ".reading"),
    },
    "atoms": {
        *(
            "__future__",
            "collections.abc",
            "contextlib",
            "copy",
            "fractions",
            "itertools",
            "math",
            "operator",
            "typing",
        ),
        *(".bounds", ".elementary", ".forms", ".functions", ".softmax"),
    },
    "networks": {"__future__", "collections", "dataclasses", ".forms", ".functions", ".reading"},
    "cell": {
        *("__future__", "collections.abc", "dataclasses", "fractions", "functools", "math"),
        *(".atoms", ".forms", ".reading", ".softmax"),
    },
    "semantics": {
        *("__future__", "collections.abc", "dataclasses", "fractions"),
        *(".cell", ".forms", ".functions", ".networks", ".reading", ".softmax"),
    },
    "statements": {
        *("__future__", "collections.abc", "dataclasses", "fractions", "typing"),
        *(".bounds", ".cell", ".forms", ".functions", ".networks", ".reading", ".semantics"),
    },
    "claims": {
        *("__future__", "collections.abc", "copy", "dataclasses", "fractions", "functools"),
        *(".atoms", ".bounds", ".cell", ".forms", ".functions", ".networks", ".reading", ".semantics", ".shards"),
        *(".softmax", ".statements"),
    },
    "counts": {
        *("__future__", "collections.abc", "dataclasses", "fractions", "functools", "hashlib", "math", "operator"),
        *(".", ".reading", ".shards", ".statements"),
    },
    "chains": {
        *("__future__", "collections.abc", "dataclasses", "fractions", "itertools"),
        *(".", ".reading", ".statements"),
    },
    "shards": {"__future__", "collections.abc", "dataclasses", "hashlib", ".reading"},
    "certificates": {"__future__", "collections.abc", "pathlib", "typing", ".", ".reading"},
    "processes": {
        *("__future__", "concurrent.futures", "functools", "pathlib"),
        *(".", ".certificates", ".claims", ".counts", ".reading", ".shards"),
    },
}


def folder(path: Path, value: dict[str, Any] = EQUAL) -> Path:
    """A certificate file with its networks beside it."""
    path.mkdir(exist_ok=True)
    left, right = (SUM, None) if value["claim"] == "range" else (ABSOLUTE, LINE if "point" in value else SUM)
    for name, content in (("left.json", left), ("right.json", right), ("certificate.json", value)):
        if content is not None:
            (path / name).write_bytes(encoded(content))
    return path / "certificate.json"


def modules_of(path: Path) -> list[str]:
    """The modules that a source file imports, a relative one with its leading dots."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return found


def test_imports() -> None:
    assert {path.stem for path in KERNEL.glob("*.py")} == IMPORTS.keys()
    for path in KERNEL.glob("*.py"):
        assert set(modules_of(path)) == IMPORTS[path.stem], path.name


def test_imports_are_the_standard_library_or_the_kernel() -> None:
    own = {path.stem for path in KERNEL.glob("*.py")}
    for module in set().union(*IMPORTS.values()):
        name = module.removeprefix("kernel").removeprefix(".")
        inside = module.startswith((".", "kernel."))
        assert name in {"", *own} if inside else module.split(".")[0] in sys.stdlib_module_names


@pytest.mark.parametrize("path", sorted(KERNEL.glob("*.py")), ids=lambda path: path.stem)
def test_no_way_around_the_import_list(path: Path) -> None:
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    files = {"open", "os"} if path.stem == "reading" else set()  # the only place where a file is opened
    assert not names & ({"__import__", "importlib", "eval", "exec", "open", "os", "float", "round", "globals"} - files)


def test_no_float_in_the_source() -> None:
    for path in KERNEL.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, (float, complex))), path.name


def test_asserts_play_no_part() -> None:
    for path in KERNEL.glob("*.py"):
        assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)], path.name


def test_only_check_makes_a_theorem() -> None:
    for token in (None, object(), True):
        with pytest.raises(Rejected, match="only be made by the kernel"):
            Theorem(token, EQUAL, Domain([], [], [], []), True, "0 = 1", {})
    calls = [
        path.stem
        for path in KERNEL.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id == "_TOKEN"
    ]
    assert calls == ["claims"] * 4  # where it is made, where it is asked for, and the two verdicts


def test_a_theorem_says_what_it_is_about() -> None:
    theorem = judged(EQUAL, ABSOLUTE, SUM)
    assert (theorem.claim, theorem.holds, theorem.tie, theorem.domain) == ("equal", True, "average", written(box(1)))
    assert (theorem.parameters, theorem.digests) == ({}, {side: EQUAL[side]["sha256"] for side in ("left", "right")})
    assert {rule: number for rule, number in theorem.counts.items() if number} == {"holds": 1}
    assert repr(theorem) == (
        "Theorem('for every x in the domain, left(x) = right(x) (real arithmetic, hard attention, any tie rule)')"
    )
    other = judged({**EQUAL, "domain": box(1, 0, 1)}, ABSOLUTE, SUM)  # true as well, and not the same theorem
    assert other.domain == written(box(1, 0, 1)) and other.statement == theorem.statement


def test_a_theorem_about_one_network_or_with_parameters() -> None:
    theorem = judged(RANGE, SUM)
    assert (theorem.claim, theorem.holds) == ("range", True)
    assert theorem.parameters == {"lower": ["0.0"], "upper": [None]}
    assert theorem.digests == {"left": RANGE["left"]["sha256"]}
    theorem = judged(WITHIN, ABSOLUTE, SUM)
    assert (theorem.claim, theorem.parameters, theorem.tie) == ("within", {"epsilon": "0.5"}, "rightmost")
    theorem = judged(DIFFER, ABSOLUTE, LINE)
    assert (theorem.claim, theorem.holds, theorem.counts, theorem.domain) == ("equal", False, {}, written(box(1)))


def test_check_file(tmp_path: Path) -> None:
    assert check_file(folder(tmp_path)).holds
    assert check_file(folder(tmp_path, DIFFER)).statement == (
        "at x = (-1/2), left(x) = (1/2), right(x) = (-1/2) (tie rule average);"
        " this refutes: for every x in the domain, left(x) = right(x)"
    )
    path = folder(tmp_path / "one", RANGE)
    assert sorted(file.name for file in path.parent.iterdir()) == ["certificate.json", "left.json"]
    assert check_file(path).statement == (
        "for every x in the domain, 0 <= left(x) (real arithmetic, hard attention, any tie rule)"
    )


def test_files_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="a file that can be read"):
        check_file(tmp_path / "certificate.json")
    with pytest.raises(Rejected, match="a file that can be read"):
        check_file(tmp_path)
    path = folder(tmp_path)
    (tmp_path / "right.json").unlink()
    with pytest.raises(Rejected, match=r"right\.json: expected a file that can be read"):
        check_file(path)


HOSTILE = [
    *("", ".", "..", "/", "../left.json", "./left.json", "sub/left.json", "left.json/", "sub/../left.json"),
    *("/etc/hostname", "C:left.json", "sub\\left.json", "~", "~root", "$HOME", "-", "-rf", "--help", ".hidden"),
    *("left.json\0", "\0", "left\n.json", "left.json\n", "\x1b[2J", "\u202egnp.json", "l\u00e9ft.json", "\ud800"),
    *("left json", " left.json", "left.json ", "a" * 101, "a" * 5000, "left.json:stream", "*", "le?t.json", "<b>"),
    *(1, 0, None, True, [], ["left.json"], {}, {"file": "left.json"}),
]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_file_names_that_are_not_plain(tmp_path: Path, name: object) -> None:
    """They are refused by their looks, before anything is opened, and shown as ASCII on one line."""
    folder(tmp_path / "sub")
    path = folder(tmp_path, {**EQUAL, "left": {"file": name, "sha256": EQUAL["left"]["sha256"]}})
    expected = r"left\.file: expected the plain name of a file in the same folder"
    with pytest.raises(Rejected, match=expected) as rejection:
        check_file(path)
    assert str(rejection.value).isascii() and str(rejection.value).isprintable() and len(str(rejection.value)) < 200


@pytest.mark.parametrize("name", ["a", "_", "0", "left.JSO", "a..b", "a.", "A-1+2_3.x", "a" * 100, "CON", "nul.json"])
def test_plain_names_of_files_that_do_not_exist(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path, {**EQUAL, "left": {"file": name, "sha256": EQUAL["left"]["sha256"]}})
    with pytest.raises(Rejected, match=rf"^{re.escape(name)}: expected a file that can be read"):
        check_file(path)


def test_a_reader_is_asked_for_plain_names_only() -> None:
    asked: list[str] = []

    def read(name: str) -> bytes:
        asked.append(name)
        return encoded(ABSOLUTE if name == "left.json" else SUM)

    check(encoded(EQUAL), read)
    for name in ("../left.json", "/left.json", "a/left.json"):
        with pytest.raises(Rejected):
            check(encoded({**EQUAL, "left": {**EQUAL["left"], "file": name}}), read)
    assert asked == ["left.json", "right.json"]


# --- as a program ---------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel as a program imports itself under the name `kernel`; nothing of that stays behind."""
    monkeypatch.setattr(sys, "path", [str(KERNEL), *sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] == "kernel":
            del sys.modules[name]


@pytest.mark.usefixtures("bare")
def test_main_accepts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from exactformer.kernel.__main__ import main

    assert main([str(folder(tmp_path))]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "accepted": True,
        "claim": "equal",
        "parameters": {},
        "holds": True,
        "theorem": "for every x in the domain, left(x) = right(x) (real arithmetic, hard attention, any tie rule)",
        "tie": "average",
        "digests": {side: EQUAL[side]["sha256"] for side in ("left", "right")},
        "domain": written(box(1)),
        "counts": dict.fromkeys(("gate", "compare", "cut", "anew", "narrow", "bound", "holds", "empty", "ties"), 0)
        | {"holds": 1},
    }


@pytest.mark.usefixtures("bare")
def test_main_looks_beside_the_kernel_only(tmp_path: Path) -> None:
    """Its own folder, which Python puts first, is taken out, so that no file in it can pass for a standard module."""
    from exactformer.kernel.__main__ import main

    before = list(sys.path)
    code = main([str(folder(tmp_path)), "nothing"])
    assert code == 0 and type(code) is int
    assert sys.path == [*before[1:], str(KERNEL.parent)]


@pytest.mark.parametrize("name", ["kernel", "A"])
def test_main_under_another_name(name: str) -> None:
    """Imported, it runs nothing."""
    assert runpy.run_path(str(KERNEL / "__main__.py"), run_name=name)["__name__"] == name


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("value", [DIFFER, RANGE, WITHIN], ids=lambda value: value["claim"])
def test_main_on_other_claims(value: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from exactformer.kernel.__main__ import main

    path = folder(tmp_path, value)
    assert main([str(path)]) == 0
    answer, theorem = json.loads(capsys.readouterr().out), check_file(path)
    assert answer.pop("accepted") is True and answer.pop("theorem") == theorem.statement
    assert answer == {
        "claim": value["claim"],
        "parameters": json.loads(json.dumps(value.get("parameters", {})).replace("0.5", '"0.5"')),
        "holds": "tree" in value,
        "tie": value["tie"],
        "digests": {side: value[side]["sha256"] for side in ("left", "right") if side in value},
        "domain": written(value["domain"]),
        "counts": theorem.counts,
    }


@pytest.mark.usefixtures("bare")
def test_main_rejects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from exactformer.kernel.__main__ import main

    assert main([str(folder(tmp_path, {**EQUAL, "tree": []}))]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert answer == {
        "accepted": False,
        "reason": "certificate.json: tree: expected a step for every cell, found 1 cells left open",
    }


@pytest.mark.usefixtures("bare")
def test_main_as_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["kernel", str(folder(tmp_path))])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(KERNEL / "__main__.py"), run_name="__main__")
    assert end.value.code == 0


def run(path: Path, cwd: Path) -> tuple[int, dict[str, object], str]:
    command = [sys.executable, "-I", "-S", str(KERNEL), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=600, check=False)
    return result.returncode, json.loads(result.stdout), result.stderr


def test_program(tmp_path: Path) -> None:
    for name in ("json", "fractions", "kernel", "reading"):  # nothing beside the certificate is ever run
        (tmp_path / f"{name}.py").write_text("raise SystemExit(0)")
    code, answer, errors = run(folder(tmp_path), tmp_path)
    assert (code, answer["accepted"], errors) == (0, True, "")
    code, answer, errors = run(folder(tmp_path, {**EQUAL, "tie": "first"}), tmp_path)
    assert (code, answer["accepted"], errors) == (4, False, "")


def test_program_cannot_import_the_rest(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'z3', 'exactformer', 'flint', 'site')])"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(KERNEL), str(folder(tmp_path))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    first, last = result.stdout.splitlines()
    assert json.loads(first)["accepted"] is True and last == "[]"


def test_limits_on_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100)
    with pytest.raises(Rejected, match="at most 100 bytes"):
        judged(EQUAL, ABSOLUTE, SUM)


# --- what is no ordinary file ---------------------------------------------------------------------

NO_FILE = "of at most 268435456 bytes, found a larger one, or no ordinary file"


def odd_files(path: Path) -> dict[str, str]:
    """Names of what must not be read, each with the reason; nothing of it blocks, ends the process or leads away."""
    os.mkfifo(path / "pipe")
    (path / "folder").mkdir()
    (path / "elsewhere").mkdir()
    (path / "elsewhere" / "good.json").write_bytes(encoded(ABSOLUTE))
    (path / "link").symlink_to(path / "elsewhere" / "good.json")
    (path / "beside").symlink_to("left.json")
    (path / "device").symlink_to("/dev/zero")
    (path / "circle").symlink_to("circle")
    (path / "nowhere").symlink_to("nothing")
    (path / "linked").symlink_to("elsewhere")
    with (path / "giant").open("wb") as file:
        file.truncate(reading.MAX_BYTES + 1)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path / "socket"))
    unread = dict.fromkeys(("link", "beside", "device", "circle", "nowhere", "linked", "socket", "folder"), "be read")
    return {**unread, "pipe": NO_FILE, "giant": NO_FILE, "none": "be read"}


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a name short enough for a socket."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def test_certificates_that_are_no_ordinary_files(short: Path) -> None:
    for name, reason in odd_files(short).items():
        with pytest.raises(Rejected, match=reason):
            check_file(short / name)
    with pytest.raises(Rejected, match=f"^zero: expected an ordinary file {NO_FILE}"):
        check_file(Path("/dev/zero"))  # it would never end
    with pytest.raises(Rejected, match=NO_FILE):
        check_file(Path("/dev/null"))


def test_networks_that_are_no_ordinary_files(short: Path) -> None:
    path = folder(short)
    for name, reason in odd_files(short).items():
        path.write_bytes(encoded({**EQUAL, "left": {**EQUAL["left"], "file": name}}))
        with pytest.raises(Rejected, match=f"^{name}: expected a.*{reason}"):
            check_file(path)


def test_no_file_stays_open(short: Path) -> None:
    """Whatever was refused."""
    names, before = odd_files(short), len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for name in (*names, *names):
        with pytest.raises(Rejected):
            check_file(short / name)
    assert not before or len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[]", r"^certificate: expected an object, found \[\]$"),
        ("1", "^certificate: expected an object, found 1$"),
        ("{}", f"^certificate: format: expected one of {', '.join(FORMATS)}, found None$"),
        ('{"format": ["exactformer/certificate-1"]}', "^certificate: format: expected one of exactformer/"),
        ('{"format": "exactformer/certificate-2"}', "^certificate: format: expected one of exactformer/"),
    ],
)
def test_a_certificate_of_no_known_format(written: str, message: str) -> None:
    with pytest.raises(Rejected, match=message):
        check(written.encode(), lambda name: b"")
