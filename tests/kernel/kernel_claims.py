"""Certificates written by hand for every claim: one that proves it, one that refutes it, with the theorem of each."""

from __future__ import annotations

from typing import Any

from kernel_material import attention, box, certificate, maxout, step_head

LINE = maxout([], ([[1]], [0]))
RELU = maxout([([[[1], [0]]], [[0, 0]])], ([[1]], [0]))
ABS = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
MINUS_RELU, MINUS_ABS = ({**network, "output": {"weights": [[-1]], "biases": [0]}} for network in (RELU, ABS))
PARTS = maxout([([[1]], [0]), ([[1]], [0])][:1], ([[1], [-1]], [0, 0]), "relu")  # relu(x) and -relu(x)
MAXIMUM = maxout([([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0]))  # max(x1, x2)
SUM = maxout([([[1, 1]], [0])], ([[1]], [0]), "relu")  # relu(x1 + x2)
NESTED = maxout(  # max(x1, relu(x2)): the first layer hands x1 on, as a maximum of two equal pieces
    [([[[1, 0], [1, 0]], [[0, 1], [0, 0]]], [[0, 0], [0, 0]]), ([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0])
)
STEP = step_head()  # 1 for x > 0, 0 for x < 0
FALLING = step_head((1, -1), (0, 1))
THREE = attention([[[k, 0], [0, v]] for k, v in ((1, 1), (-1, 0), (1, 1))])  # at 0 the first and the last token give 1
BELOW_DIAGONAL = {"lower": [-1, None], "upper": [1, 1], "matrix": [[-1, 1]], "bounds": [0]}  # x2 <= x1

Certificate = tuple[dict[str, Any], Any, Any, str]  # with the networks and the theorem


def about(left: Any, right: Any, domain: Any, claim: str, theorem: str, *, tie: str = "average", **rest: Any) -> Certificate:
    return certificate(left, right, domain, tie, claim=claim, **rest), left, right, theorem


def fact(place: str, which: Any, multiplier: str = "1") -> list[Any]:
    return [place, which, multiplier]


EXACT = "real arithmetic, hard attention"
ANY = f"({EXACT}, any tie rule)"

PROVED: dict[str, Certificate] = {
    "equal": about(
        *(RELU, LINE, {**box(1), "matrix": [[-1]], "bounds": ["1/4"]}, "equal"),
        f"for every x in the domain, left(x) = right(x) {ANY}",
        inhabitant=[1],
        tree=[["gate", "L0.u0"], ["holds"], ["empty", [[2, "1"], [3, "1"]]]],
    )
    if False
    else about(
        *(RELU, LINE, {**box(1), "matrix": [[-1]], "bounds": ["-1/4"]}, "equal"),  # x >= 1/4
        f"for every x in the domain, left(x) = right(x) {ANY}",
        inhabitant=[1],
        tree=[["gate", "L0.u0"], ["holds"], ["empty", [[2, "1"], [3, "1"]]]],
    ),
}
