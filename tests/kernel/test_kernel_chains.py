"""Chains: theorems whose ends meet, and everything that is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from kernel_material import box, certificate, encoded, maxout
from test_kernel_narrow import affine, function, halved, relu, within

from exactformer.kernel import chains
from exactformer.kernel.certificates import check
from exactformer.kernel.reading import Rejected

SQUARE = function([["input", 0], ["power", 0, 2]])
LINE = relu((1, 1, "-1"), (1, 0, "2"), (0, 1, 1))  # |x| on [-1, 1]: within 1/4 of x^2
SAME = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
NETWORKS = {"f.json": SQUARE, "line.json": LINE, "same.json": SAME, "zero.json": affine(0)}
FIRST, SECOND, THIRD = "first.json", "second.json", "third.json"


def named(value: dict[str, Any], left: str, right: str) -> dict[str, Any]:
    """The certificate with other names of its files."""
    return {**value, "left": {**value["left"], "file": left}, "right": {**value["right"], "file": right}}


def equality(left: str, right: str, **rest: Any) -> dict[str, Any]:
    one, other = NETWORKS[left], NETWORKS[right]
    value = certificate(one, other, box(1), claim="equal", inhabitant=[0], tree=[["holds"]])
    return {**named(value, left, right), **rest}


def nearness(epsilon: str, left: str, right: str, tree: Any, **rest: Any) -> dict[str, Any]:
    return {**named(within(epsilon, NETWORKS[left], NETWORKS[right], tree), left, right), **rest}


def links() -> dict[str, dict[str, Any]]:
    return {
        FIRST: nearness("1/4", "f.json", "line.json", halved(1)),
        SECOND: equality("line.json", "same.json"),
        THIRD: nearness("1", "zero.json", "same.json", [["holds", [], []]]),
    }


def chain(files: Mapping[str, Any], names: list[Any], **rest: Any) -> dict[str, Any]:
    items = [name if isinstance(name, dict) else linked(files, name) for name in names]
    return {"format": chains.FORMAT, "links": items, **rest}


def linked(files: Mapping[str, Any], name: str, **rest: Any) -> dict[str, Any]:
    return {"file": name, "sha256": hashlib.sha256(encoded(files[name])).hexdigest(), **rest}


def judged(value: Any, files: Mapping[str, Any]) -> Any:
    texts = {
        **{name: encoded(net) for name, net in NETWORKS.items()},
        **{name: encoded(x) for name, x in files.items()},
    }

    def read(name: str) -> bytes:
        if name not in texts:
            raise Rejected(f"{name}: no such file")
        return texts[name]

    return check(encoded(value), read)


def reason(value: Any, files: Mapping[str, Any]) -> str:
    with pytest.raises(Rejected) as rejection:
        judged(value, files)
    return str(rejection.value)


def test_distances_add_up() -> None:
    files = links()
    found = judged(chain(files, [FIRST, SECOND, linked(files, THIRD, **{"from": "right"})]), files)
    assert found.statement == (
        "for every x in the domain, |left(x) - right(x)| <= 5/4, where left(x) = x1^2 "
        "(real arithmetic, hard attention, any tie rule)"
    )
    assert (found.claim, found.parameters) == ("within", {"epsilon": "5/4"})
    assert set(found.files) == {*files, *NETWORKS}
    sha = {name: hashlib.sha256(encoded(net)).hexdigest() for name, net in NETWORKS.items()}
    assert found.digests == {"left": sha["f.json"], "right": sha["zero.json"]}
    assert found.counts["links"] == 3 and found.counts["holds"] == 4
    said = json.loads(json.dumps(found.to_json()))
    assert (
        said["theorem"] == found.statement and said["holds"] is True and said["domain"] == {"lower": [-1], "upper": [1]}
    )


def test_equalities_make_an_equality() -> None:
    files = {FIRST: equality("line.json", "same.json"), SECOND: equality("same.json", "line.json")}
    found = judged(chain(files, [FIRST, SECOND]), files)
    assert (
        found.statement
        == "for every x in the domain, left(x) = right(x) (real arithmetic, hard attention, any tie rule)"
    )
    assert (found.claim, found.parameters) == ("equal", {})
    one = judged(chain(files, [FIRST]), files)
    assert one.statement == found.statement and one.counts["links"] == 1
    zero = {FIRST: nearness("0", "line.json", "line.json", [["holds"]])}
    assert "|left(x) - right(x)| <= 0" in judged(chain(zero, [FIRST]), zero).statement


def test_ends_have_to_meet() -> None:
    files = links()
    for names in (
        [FIRST, THIRD],
        [SECOND, FIRST],
        [FIRST, linked(files, SECOND, **{"from": "right"})],
        [FIRST, SECOND, THIRD],
    ):
        assert "a theorem about the side with which links[" in reason(chain(files, names), files)
    assert "a theorem about the side with which links[1] ends" in reason(chain(files, [FIRST, SECOND, SECOND]), files)


def test_a_temperature_makes_another_side() -> None:
    def warm(value: dict[str, Any], side: str, **how: Any) -> dict[str, Any]:
        return {**value, side: {**value[side], **how}}

    plain = nearness("2", "same.json", "zero.json", [["holds", [], []]])
    first = warm(nearness("2", "zero.json", "same.json", [["holds", [], []]]), "right", temperature=["3"])
    for how, meet in (
        ({"temperature": [3]}, True),
        ({"temperature": [2]}, False),
        ({"temperature": [3], "base": "2"}, False),
        ({}, False),
    ):
        files = {FIRST: first, SECOND: warm(plain, "left", **how)}
        if meet:
            assert (
                "<= 4 (real arithmetic, hard attention, any tie rule)"
                in judged(chain(files, [FIRST, SECOND]), files).statement
            )
        else:
            assert "another side" in reason(chain(files, [FIRST, SECOND]), files)
    files = {FIRST: first}
    words = "(real arithmetic, left: hard attention, any tie rule, right: softmax at inverse temperature 3)"
    assert judged(chain(files, [FIRST]), files).statement.endswith(words)


def test_domain_and_tie_rule_are_those_of_all_links() -> None:
    for change in ({"domain": box(1, 0, 1)}, {"tie": "leftmost"}):
        files = {**links(), SECOND: equality("line.json", "same.json", **change)}
        assert "links[1]: expected the domain and the tie rule of the first link" in reason(
            chain(files, [FIRST, SECOND]), files
        )


def test_links_are_proofs() -> None:
    files = links()
    refuted = {key: x for key, x in equality("line.json", "zero.json").items() if key not in ("tree", "inhabitant")}
    refuted |= {"point": [1], "values": [[1], [0]]}
    assert "a claim that is proved, found one that is refuted" in reason(
        chain({FIRST: refuted}, [FIRST]), {FIRST: refuted}
    )
    open_one = {**files, SECOND: {**files[SECOND], "tree": []}}
    assert "second.json: tree: expected a step for every cell" in reason(chain(open_one, [FIRST, SECOND]), open_one)
    for other in ({**files[SECOND], "claim": "at-most"}, {"format": chains.FORMAT, "links": []}, [], {"format": "?"}):
        wrong = {**files, SECOND: other}
        assert "a certificate of the format" in reason(chain(wrong, [FIRST, SECOND]), wrong)


def test_what_a_chain_is_written_in() -> None:
    files = links()
    good = chain(files, [FIRST, SECOND])
    judged({**good, "untrusted": {"anything": 1}}, files)
    for bad in (
        {**good, "more": 1},
        {key: x for key, x in good.items() if key != "links"},
        {**good, "links": []},
        {**good, "links": {}},
        {**good, "links": [good["links"][0], 3]},
        {**good, "links": [{**good["links"][0], "sha256": "0" * 64}]},
        {**good, "links": [{**good["links"][0], "file": "../first.json"}]},
        {**good, "links": [{**good["links"][0], "file": "missing.json"}]},
        {**good, "links": [{**good["links"][0], "from": "middle"}]},
        {**good, "links": [{**good["links"][0], "from": None}]},
        {**good, "links": [{**good["links"][0], "to": "left"}]},
    ):
        assert reason(bad, files)
