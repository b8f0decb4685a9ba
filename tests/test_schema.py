"""What `--json` prints fits docs/answers.schema.json, and has no key that the schema does not name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exactformer.cli import VERBS, main
from exactformer.work import Record

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "answers.schema.json").read_text(encoding="utf-8"))
A, B = (str(ROOT / "proofs" / "absolute-value" / f"{side}.json") for side in ("left", "right"))
LARGE = str(ROOT / "proofs" / "maxout-rank-3" / "left.json")
ABSOLUTE = str(ROOT / "proofs" / "absolute-value")

ANSWERS = {  # by the definition in the schema
    "decision": [
        ["prove", A],
        ["verify", A, B, "--method", "regions"],
        ["verify", A, "--claim", "concave"],
        ["verify", A, "--claim", "range:0,1/2", "--timeout", "20"],
        ["verify", A, B, "--domain", "domain.json"],
        ["verify", A, B, "--right-temperature", "3", "--claim", "within:1/100"],
        ["resume", "stopped"],
    ],
    "measure": [
        ["distance", A, B],
        ["distance", A, B, "--everywhere"],
        ["temperature", A, "--epsilon", "1/10"],
        ["temperature", A, "--temperature", "3"],
    ],
    "range": [["range", A], ["range", A, "--everywhere"], ["range", A, "--temperature", "3"]],
    "approximation": [["approximate", "exp(x)", "--epsilon", "1/10", "--box", "0", "1", "--out", "near"]],
    "chain": [["chain", "near"]],
    "checked": [["check", ABSOLUTE], ["check", str(ROOT / "proofs" / "counts" / "sawtooth")], ["check", "near"]],
    "compiled": [["compile", A, "-o", "compiled.json"], ["compile", A, "--construction", "global", "-o", "other.json"]],
    "comparison": [["compile", A, "--compare"]],
    "values": [["evaluate", A, "--at", "1/2"], ["evaluate", A, "--at", "1/2", "--temperature", "8"]],
    "regions": [["regions", A], ["regions", LARGE, "--count"], ["regions", LARGE, "--timeout", "0.01"]],
    "supported": [["supports", A]],
    "exported": [["export", A, "--out", "exported"]],
    "replayed": [["replay", "exported"]],
    "theorems": [["theorems"], ["theorems", "T5", "--instances", "1"]],
    "shape": [
        ["theorems", "T5", "--all-weights"],
        ["theorems", "T5", "--all-weights", "--widths", "1", "--out", "all"],
    ],
    "report": [["report", ABSOLUTE]],
    "failure": [["prove", "missing.json"], ["evaluate", A, "--at", "1,2"], ["check", str(ROOT / "docs")]],
}


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]})


def strict(value: Any) -> Any:
    """The schema, with objects that have no keys but those it names."""
    if isinstance(value, list):
        return [strict(item) for item in value]
    if not isinstance(value, dict):
        return value
    closed = {key: strict(item) for key, item in value.items()}
    if value.get("type") == "object" and "properties" in value and "format" not in value["properties"]:
        closed["additionalProperties"] = False
    return closed


STRICT = strict(SCHEMA["$defs"])


def printed(capsys: pytest.CaptureFixture[str], words: list[str]) -> Any:
    main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


def commands() -> Iterator[tuple[str, list[str]]]:
    return ((name, words) for name, each in ANSWERS.items() for words in each)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [each["$ref"].rpartition("/")[2] for each in SCHEMA["anyOf"]] == list(ANSWERS)


def test_every_command_is_described() -> None:
    asked = {words[0] for _, words in commands()}
    assert asked == {verb.__name__.rpartition(".")[2] for verb in VERBS}


def test_what_is_printed_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("domain.json").write_text('{"lower": ["-1/3"], "upper": [null], "matrix": [[1]], "bounds": ["1/2"]}')
    asked = {"words": ["prove", A], "in": str(tmp_path), "files": {A: sha256(Path(A).read_bytes()).hexdigest()}}
    with Record(Path("stopped", "run.record"), asked) as record:
        record.put("a piece of work", 1)
    for name, words in commands():
        found = printed(capsys, words)
        check = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": STRICT})
        assert [error.message for error in check.iter_errors(found)] == [], (words, found)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("decision", {"verdict": "maybe"}),
        ("decision", {"certified": "yes"}),
        ("measure", {"upper": 0.5}),
        ("measure", {"upper": "1.5"}),
        ("decision", {"domain": {"lower": [0]}}),
    ],
)
def test_the_schema_refuses(
    name: str,
    damage: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    found = printed(capsys, ANSWERS[name][0])
    assert validator(name).is_valid(found) and not validator(name).is_valid(found | damage)
    for key in SCHEMA["$defs"][name]["required"]:
        assert not validator(name).is_valid({k: v for k, v in found.items() if k != key})
