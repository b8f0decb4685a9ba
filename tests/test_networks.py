"""Exact evaluation against the definitions and against the kernel, and what the constructors refuse."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import naive
import numpy as np
import pytest
from by_kernel import enclosed
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SMALL, maxout_networks, networks, points, relu_networks, transformers

from exactformer import InvalidInput, MaxoutNetwork, ReluNetwork, Transformer
from exactformer.compiler.relu_to_maxout import relu_to_maxout
from exactformer.domain import Box
from exactformer.formats.network_json import dump
from exactformer.kernel import semantics
from exactformer.networks import Affine, Block, FeedForward, Head
from exactformer.networks.semantics import TIES, Semantics
from exactformer.prover.question import evaluate_exactly
from exactformer.rational import Matrix, Vector


def at_a_point(strategy: Any) -> Any:
    return strategy.flatmap(lambda network: st.tuples(st.just(network), points(network.inputs)))


@given(at_a_point(networks()), st.sampled_from(TIES))
@settings(max_examples=120)
def test_evaluation_is_the_definition_and_what_the_kernel_computes(pair: Any, tie: Any) -> None:
    network, point = pair
    text = dump(network)
    found = evaluate_exactly(network, point, Semantics(tie))
    assert list(found) == naive.evaluate(json.loads(text), point, tie)
    assert [(y, y) for y in found] == enclosed(text.encode(), point, semantics.Semantics(tie))


@given(at_a_point(transformers(SMALL)), st.sampled_from(TIES))
@settings(max_examples=100)
def test_transformers_of_small_integers_full_of_ties(pair: Any, tie: Any) -> None:
    network, point = pair
    assert list(network.evaluate(point, tie=tie)) == naive.evaluate(json.loads(dump(network)), point, tie)
    assert network.states(point, tie=tie)[0] == [embed(Vector.of(point)) for embed in network.embedding]


@given(at_a_point(relu_networks()))
def test_relu_networks_are_maxout_networks_of_rank_two(pair: Any) -> None:
    network, point = pair
    assert relu_to_maxout(network).evaluate(point) == network.evaluate(point)


@given(at_a_point(transformers()), st.sampled_from(TIES))
def test_a_causal_token_does_not_see_later_ones(pair: Any, tie: Any) -> None:
    network, point = pair
    network = replace(network, mask="causal")
    cut = network.token + 1
    shorter = replace(network, embedding=network.embedding[:cut])
    assert shorter.evaluate(point, tie=tie) == network.evaluate(point, tie=tie)


def attention(token: int, mask: Any = None) -> Transformer:
    """Three tokens of equal scores with the values 0, 3 and 9; token 3 has a lower score and the value 100."""
    embedding = tuple(Affine.of([[0], [0]], [value, score]) for value, score in ((0, 1), (3, 1), (9, 1), (100, 0)))
    head = Head.of([[0, 1]], [[0, 1]], [[1, 0]], [[1], [0]])
    readout = Affine.of([[1, 0]], [0])
    return Transformer(embedding, (Block((head,), None),), token, readout, residual=False, mask=mask)


@pytest.mark.parametrize(
    ("token", "mask", "values"),
    [(0, None, (4, 0, 9)), (2, None, (4, 0, 9)), (0, "causal", (0, 0, 0)), (1, "causal", (Fraction(3, 2), 0, 3))],
)
def test_the_three_tie_rules(token: int, mask: Any, values: tuple[Any, ...]) -> None:
    found = [attention(token, mask).evaluate([0], tie=tie)[0] for tie in TIES]
    assert found == list(values)


def test_a_query_of_zero_makes_all_scores_tie() -> None:
    assert [attention(3).evaluate([0], tie=tie)[0] for tie in TIES] == [28, 0, 100]


@given(maxout_networks(), relu_networks())
@settings(max_examples=30)
def test_sizes(maxout: MaxoutNetwork, relu: ReluNetwork) -> None:
    for network in (maxout, relu):
        value = json.loads(dump(network))
        assert len(network.widths) == len(value["layers"])
        assert network.widths == tuple(len(layer["weights"]) for layer in value["layers"])
        numbers = 0
        for layer in value["layers"]:
            units = [layer["weights"]] if network.kind == "relu" else layer["weights"]
            numbers += sum(len(row) + 1 for unit in units for row in naive.matrix(unit))
        output = value["output"]
        numbers += sum(len(row) + 1 for row in naive.matrix(output["weights"]))
        assert network.parameters == numbers
        assert network.outputs == len(output["biases"])
    assert maxout.rank == max((layer.rank for layer in maxout.layers), default=1)


@given(networks())
@settings(max_examples=30)
def test_equal_networks_are_equal_objects(network: Any) -> None:
    same = replace(network, name=network.name)
    assert same == network
    assert hash(same) == hash(network)
    assert replace(network, name=network.name + "'") != network


# --- what is refused ------------------------------------------------------------------------------

LAYER = ([[[1], [-1]]], [[0, 0]])
OUTPUT = ([[1]], [0])


def reasons(make: Any, *arguments: Any, **options: Any) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        make(*arguments, **options)
    return list(caught.value.reasons)


@pytest.mark.parametrize(
    ("layers", "output", "expected"),
    [
        (5, OUTPUT, ["layers: expected a list, found 5"]),
        (
            [5],
            OUTPUT,
            [
                "layers[0]: expected a pair of weights and biases, found 5",
                "layers[0].weights: expected weights[unit][piece][input], at least one unit and one piece, found []",
            ],
        ),
        ([LAYER], None, ["output: expected a pair of weights and biases, found None"]),
        (
            [([], [])],
            OUTPUT,
            ["layers[0].weights: expected weights[unit][piece][input], at least one unit and one piece, found []"],
        ),
        (
            [([[[1], [2]], [[1]]], [[0, 0], [0]])],
            ([[1, 1]], [0]),
            [
                "layers[0].weights[1]: expected 2 pieces, as in the units before, found 1",
                "layers[0].biases[1]: expected 2 numbers, found 1",
            ],
        ),
        (
            [([[]], [[]])],
            OUTPUT,
            [
                "layers[0].weights: expected weights[unit][piece][input], at least one unit and one piece, "
                "found an array 1 x 0"
            ],
        ),
        ([([[[1], [2, 3]]], [[0, 0]])], OUTPUT, ["layers[0].weights[0][1]: expected 1 numbers, found 2"]),
        (
            [([[[1], ["x"]]], [[0, "1/0"]])],
            OUTPUT,
            [
                'layers[0].weights[0][1][0]: expected a number (an integer, "p/q" or decimal text), found x',
                "layers[0].biases[0][1]: expected a denominator that is not zero, found 1/0",
            ],
        ),
        (
            [([[[1], [-1]]], [[0, 0], [0, 0]])],
            OUTPUT,
            ["layers[0].biases: expected 1 x 2 numbers, biases[unit][piece], found 2 x 2"],
        ),
        (
            [([[[1], [-1]]], 0)],
            OUTPUT,
            ["layers[0].biases: expected 1 x 2 numbers, biases[unit][piece], found 0"],
        ),
        (
            [LAYER, ([[[1, 2], [3, 4]]], [[0, 0]])],
            OUTPUT,
            ["layers[1].weights: expected 1 numbers a piece, found 2"],
        ),
        ([LAYER], ([[1, 2]], [0]), ["output.weights: expected 1 columns, found 2"]),
        ([LAYER], ([[1]], [0, 0]), ["output.biases: expected 1 numbers, found 2"]),
        (
            [([1, [[2]]], [[0], [0]])],
            ([[1, 1]], [0]),
            [
                "layers[0].weights[0]: expected a matrix (a list of rows, or shape and entries), found 1",
                "layers[0].weights[0]: expected at least one piece, found 0",
            ],
        ),
        (
            [(5, None)],
            OUTPUT,
            ["layers[0].weights: expected weights[unit][piece][input], at least one unit and one piece, found 5"],
        ),
    ],
)
def test_faults_of_maxout_networks(layers: Any, output: Any, expected: list[str]) -> None:
    assert reasons(MaxoutNetwork.of, layers, output) == expected


def test_one_fault_for_one_array_of_a_layer() -> None:
    units = "layers[0].weights: expected weights[unit][piece][input], at least one unit and one piece, found an array "
    for weights, biases, expected in (
        (np.ones((5, 3)), np.ones((5, 3)), [f"{units}5 x 3"]),
        (np.ones((5, 3)).tolist(), [[0]] * 5, [f"{units}5 x 3"]),
        (
            np.ones((5, 3, 2)),
            np.ones(15),
            ["layers[0].biases: expected 5 x 3 numbers, biases[unit][piece], found a list of 15"],
        ),
        (
            np.ones((5, 3, 2)),
            np.ones((5, 2)),
            ["layers[0].biases: expected 5 x 3 numbers, biases[unit][piece], found 5 x 2"],
        ),
    ):
        assert reasons(MaxoutNetwork.of, [(weights, biases)], (np.ones((1, 5)), [0])) == expected
    layer = np.ones((4, 2, 3)), np.zeros((4, 2))
    deep = [layer, (np.ones((2, 2, 3)), np.zeros((2, 2)))]
    assert reasons(MaxoutNetwork.of, deep, (np.ones((1, 2)), [0])) == [
        "layers[1].weights: expected 4 numbers a piece, found 3"
    ]


@pytest.mark.parametrize(
    ("layers", "output", "expected"),
    [
        ([([], [])], OUTPUT, ["layers[0].weights: expected at least one unit, found none"]),
        ([([[1]], [0]), ([[1, 2]], [0])], OUTPUT, ["layers[1].weights: expected 1 columns, found 2"]),
        (
            [([[1], [2, 3]], [0])],
            ([[1, 1]], [0]),
            ["layers[0].weights[1]: expected 1 numbers, found 2", "layers[0].biases: expected 2 numbers, found 1"],
        ),
        (
            [{}],
            OUTPUT,
            [
                "layers[0]: expected a pair of weights and biases, found {}",
                "layers[0].weights: expected at least one unit, found none",
            ],
        ),
    ],
)
def test_faults_of_relu_networks(layers: Any, output: Any, expected: list[str]) -> None:
    assert reasons(ReluNetwork.of, layers, output) == expected


def test_faults_of_domains_points_and_ties() -> None:
    assert reasons(MaxoutNetwork.of, [LAYER], OUTPUT, domain=Box([0, 0], [1, 1])) == [
        "domain: expected 1 inputs, found 2"
    ]
    network = MaxoutNetwork.of([LAYER], OUTPUT)
    assert reasons(network.evaluate, [1, 2]) == ["point: expected 1 coordinates, found 2"]
    assert reasons(network.evaluate, 1) == ["point: expected 1 coordinates, found the int 1"]
    assert reasons(network.evaluate, ["y"]) == [
        'point[0]: expected a number (an integer, "p/q" or decimal text), found y'
    ]
    assert reasons(attention(0).evaluate, [0], tie="first") == [
        "tie: expected one of average, leftmost, rightmost, found 'first'"
    ]


def test_every_fault_of_a_transformer_is_listed() -> None:
    good = attention(0)
    wrong = Head(*(Matrix((2, 3)),) * 4)
    feedforward = FeedForward(Affine.of([[1]], [0]), Affine.of([[1]], [0]))
    assert reasons(
        Transformer,
        (Affine.of([[1], [0]], [0, 0]), Affine.of([[1]], [0])),
        (Block((wrong,), feedforward),),
        True,
        Affine.of([[1]], [0]),
        residual=1,
        mask="Causal",
        domain=Box([0, 0], [1, 1]),
    ) == [
        "embedding[1]: expected a 2 x 1 matrix, found 1 x 1",
        "embedding[1]: expected 2 biases, found 1",
        "blocks[0].heads[0].query: expected a 2 x 2 matrix, found 2 x 3",
        "blocks[0].heads[0].key: expected a 2 x 2 matrix, found 2 x 3",
        "blocks[0].heads[0].value: expected a 2 x 2 matrix, found 2 x 3",
        "blocks[0].heads[0].output: expected a 2 x 2 matrix, found 2 x 3",
        "blocks[0].feedforward.w1: expected a 1 x 2 matrix, found 1 x 1",
        "blocks[0].feedforward.w2: expected a 2 x 1 matrix, found 1 x 1",
        "blocks[0].feedforward.w2: expected 2 biases, found 1",
        "readout: expected a 1 x 2 matrix, found 1 x 1",
        "residual: expected true or false, found 1",
        'mask: expected null or "causal", found Causal',
        "readout.token: expected a token from 0 to 1, found True",
        "domain: expected 1 inputs, found 2",
    ]
    assert reasons(replace, good, embedding=()) == ["embedding: expected at least one token, found none"]
    for token in (-1, 4, "0", 0.0, None):
        assert reasons(replace, good, token=token) == [f"readout.token: expected a token from 0 to 3, found {token}"]
