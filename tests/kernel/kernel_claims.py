"""Certificates written by hand for every claim: one that proves it, one that refutes it, with the theorem of each."""

from __future__ import annotations

from typing import Any

from kernel_material import box, certificate, maxout, step_head

LINE = maxout([], ([[1]], [0]))
RELU = maxout([([[[1], [0]]], [[0, 0]])], ([[1]], [0]))
ABS = maxout([([[[1], [-1]]], [[0, 0]])], ([[1]], [0]))
MINUS_ABS = {**ABS, "output": {"weights": [[-1]], "biases": [0]}}
PARTS = maxout([([[1], [-1]], [0, 0])], ([[1, 0], [1, -1], [1, 1]], [0, 0, 0]), "relu")  # relu(x), x, |x|
MAXIMUM = maxout([([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0]))  # max(x1, x2)
SUM = maxout([([[1, 1]], [0])], ([[1]], [0]), "relu")  # relu(x1 + x2)
GAP = maxout([], ([[1, -1]], [0]))  # x1 - x2
WEIGHTED = maxout([], ([[1, 2, 3]], [0]))  # x1 + 2 x2 + 3 x3
NESTED = maxout(  # max(x1, max(x2, 0)): the first unit hands x1 on, as the maximum of two equal pieces
    [([[[1, 0], [1, 0]], [[0, 1], [0, 0]]], [[0, 0], [0, 0]]), ([[[1, 0], [0, 1]]], [[0, 0]])], ([[1]], [0])
)
STEP = step_head()  # 1 for x > 0, 0 for x < 0
FALLING = step_head((1, -1), (0, 1))
THREE = step_head((1, -1, 1), (1, 0, 1))  # at 0 all tie: the first and the last token give 1, the average 2/3

BOUNDED = {**box(1), "matrix": [[-1]], "bounds": ["-1/4"]}  # x >= 1/4, which interval bounds do not see
BELOW_DIAGONAL = {"lower": [-1, None], "upper": [1, 1], "matrix": [[-1, 1]], "bounds": [0]}  # x2 <= x1
WIDE = {"lower": [-1, -2], "upper": [1, 2]}
SETS = {"sets": [{"matrix": [[0, 1, 0], [0, 0, 1]], "bounds": [-1, 0]}]}
RANGE = {"lower": [0, -1, None], "upper": [None, 1, 1]}

Certificate = tuple[dict[str, Any], Any, Any]  # with the networks it is about


def about(left: Any, right: Any, domain: Any, claim: str, tie: str = "average", **rest: Any) -> Certificate:
    return certificate(left, right, domain, tie, claim=claim, **rest), left, right


PROVED: dict[str, Certificate] = {
    "equal": about(
        *(RELU, LINE, BOUNDED, "equal"),
        inhabitant=[1],
        tree=[["gate", "L0.u0"], ["holds"], ["empty", [[2, "1"], [3, "4"]]]],
    ),
    "at-most": about(
        *(RELU, ABS, box(1), "at-most"),
        inhabitant=[0],
        tree=[["holds", ["1", [["L0.u0", 0, "1"]]]]],  # |x| - relu(x) = relu(x) - x
    ),
    "within": about(
        *(RELU, LINE, box(1), "within"),
        parameters={"epsilon": "2/2"},
        inhabitant=[0],
        tree=[["gate", "L0.u0"], ["holds", ["1", []], ["1", []]], ["holds", ["1", [[0, "1"]]], ["1", [[1, "1"]]]]],
    ),
    "range": about(
        *(PARTS, None, box(1), "range"),
        parameters=RANGE,
        inhabitant=[0],
        tree=[
            ["gate", "L0.u0"],
            ["holds", ["1", [[2, "1"]]], ["1", [[0, "1"]]], ["1", [[1, "1"]]], ["1", [[1, "1"]]]],
            ["holds", ["1", [[0, "1"]]], ["1", [[1, "1"]]], ["1", [[0, "1"]]]],  # the first one is 0
        ],
    ),
    "avoids": about(
        *(PARTS, None, box(1), "avoids"),
        parameters=SETS,
        inhabitant=[0],
        tree=[  # 2 max(x + 1, |x|) is at least (x + 1) + (2 relu(x) - x)
            ["holds", ["2", [["U0", 0, "1"], ["U0", 1, "1"], ["L0.u0", 1, "2"]]]],
        ],
    ),
    "invariant": about(
        *(NESTED, None, WIDE, "invariant"),
        parameters={"permutation": [1, 0]},
        inhabitant=[0, 2],
        tree=[
            ["gate", "L0.u1"],  # x2 or 0
            ["gate", "L1.u0"],  # x1 or x2
            ["gate", "R0.u1"],  # x1 or 0
            ["holds"],
            ["holds", ["1", [[5, "1"]]], ["1", [[4, "1"], [6, "1"]]]],
            ["gate", "R0.u1"],
            ["holds"],
            ["holds"],
            ["gate", "L1.u0"],  # x1 or 0
            ["gate", "R1.u0"],  # x2 or x1
            ["holds", ["1", [[4, "1"], [5, "1"]]], ["1", [[6, "1"]]]],
            ["holds"],
            ["holds"],
        ],
    ),
    "ties-agree": about(
        *(THREE, None, box(1), "ties-agree"),
        parameters={"rules": ["leftmost", "rightmost"]},
        inhabitant=[0],
        tree=[["compare", 0, 1], ["holds"], ["holds"], ["holds"]],
    ),
    "independent": about(
        *(MAXIMUM, None, BELOW_DIAGONAL, "independent"),
        parameters={"inputs": [1]},
        inhabitant=[0, -7],
        tree=[
            ["gate", "L0.u0"],  # x1 or x2
            ["gate", "R0.u0"],  # x1 or y2
            ["holds"],
            ["holds", ["1", [[7, "1"]]], ["1", [[9, "1"]]]],
            ["gate", "R0.u0"],
            ["holds", ["1", [[8, "1"]]], ["1", [[3, "1"]]]],
            ["holds", ["1", [[7, "1"], [8, "1"]]], ["1", [[3, "1"], [9, "1"]]]],
        ],
    ),
    "increasing": about(
        *(SUM, None, box(2), "increasing"),
        parameters={"inputs": [1]},
        inhabitant=[0, 0],
        tree=[
            ["gate", "L0.u0"],
            ["holds", ["1", [[8, "1"], ["R0.u0", 0, "1"]]]],
            ["holds", ["1", [["R0.u0", 1, "1"]]]],
        ],
    ),
    "decreasing": about(
        *(FALLING, None, box(1), "decreasing"),
        parameters={"inputs": [0]},
        inhabitant=[0],
        tree=[
            ["compare", 0, 1],  # x > 0
            ["compare", 0, 1],
            ["holds"],
            ["empty", [[4, "2"], [5, "1"], [7, "1"]]],
            ["empty", [[4, "2"], [5, "1"], [6, "1"]]],
            ["compare", 0, 1],  # x = 0
            ["holds", ["1", []]],
            ["holds"],
            ["empty", [[4, "2"], [5, "1"], [7, "1"]]],
            ["compare", 0, 1],  # x < 0
            ["holds", ["1", []]],
            ["holds", ["1", []]],
            ["holds"],
        ],
    ),
    "convex": about(
        *(RELU, None, box(1, None, None), "convex"),
        inhabitant=[0],
        tree=[
            ["gate", "M0.u0"],
            ["holds", ["1", [["L0.u0", 0, "1"], ["R0.u0", 0, "1"]]]],
            ["holds", ["1", [["L0.u0", 1, "1"], ["R0.u0", 1, "1"]]]],
        ],
    ),
    "concave": about(
        *(MINUS_ABS, None, box(1), "concave"),
        parameters={},
        inhabitant=[0],
        tree=[
            ["gate", "M0.u0"],
            ["holds", ["1", [["L0.u0", 0, "1"], ["R0.u0", 0, "1"]]]],
            ["holds", ["1", [["L0.u0", 1, "1"], ["R0.u0", 1, "1"]]]],
        ],
    ),
}

REFUTED: dict[str, Certificate] = {
    "equal": about(RELU, LINE, box(1), "equal", point=[-1], values=[[0], [-1]]),
    "at-most": about(ABS, RELU, box(1), "at-most", point=["-1/3"], values=[["1/3"], [0]]),
    "within": about(
        LINE, RELU, box(1), "within", "rightmost", parameters={"epsilon": 0.5}, point=[-1], values=[[-1], [0]]
    ),
    "range": about(
        *(PARTS, None, box(1), "range"),
        parameters={**RANGE, "upper": [None, 1, "1/2"]},
        point=[-1],
        values=[[0, -1, 1]],
    ),
    "avoids": about(
        *(PARTS, None, box(1), "avoids"),
        parameters={"sets": [{"matrix": [[0, 0, 0], ["-1/3", 0, 1]], "bounds": [2, 0]}]},
        point=[0],
        values=[[0, 0, 0]],
    ),
    "invariant": about(
        *(WEIGHTED, None, box(3, 0, 1), "invariant"),
        parameters={"permutation": [1, 2, 0]},
        point=[1, 0, 0],
        values=[[1], [3]],
    ),
    "ties-agree": about(
        *(THREE, None, box(1), "ties-agree"),
        parameters={"rules": ["average", "rightmost"]},
        point=[0],
        values=[["2/3"], [1]],
    ),
    "independent": about(
        *(MAXIMUM, None, box(2), "independent"), parameters={"inputs": [0]}, point=[0, "1/2", 1], values=[["1/2"], [1]]
    ),
    "increasing": about(
        *(GAP, None, box(2), "increasing"),
        parameters={"inputs": [0, 1]},
        point=[0, 0, "1/2", 1],
        values=[[0], ["-1/2"]],
    ),
    "decreasing": about(
        *(STEP, None, box(1), "decreasing", "leftmost"), parameters={"inputs": [0]}, point=[-1, 0], values=[[0], [1]]
    ),
    "convex": about(MINUS_ABS, None, box(1), "convex", point=[-1, 1], values=[[0], [-1], [-1]]),
    "concave": about(RELU, None, box(1), "concave", point=["-1/2", 1], values=[["1/4"], [0], [1]]),
}

EXACT = "real arithmetic, hard attention"
SAYS = {  # what each of the proofs proves
    "equal": f"for every x in the domain, left(x) = right(x) ({EXACT}, any tie rule)",
    "at-most": f"for every x in the domain, left(x) <= right(x) ({EXACT}, any tie rule)",
    "within": f"for every x in the domain, |left(x) - right(x)| <= 1 ({EXACT}, any tie rule)",
    "range": "for every x in the domain, 0 <= left(x)_1 and -1 <= left(x)_2 <= 1 and left(x)_3 <= 1"
    f" ({EXACT}, any tie rule)",
    "avoids": "for every x in the domain, y = left(x) satisfies none of (y2 <= -1 and y3 <= 0)"
    f" ({EXACT}, any tie rule)",
    "invariant": f"for every x in the domain, left(x) = left(x2, x1) ({EXACT}, any tie rule)",
    "ties-agree": "for every x in the domain, left(x) is the same under the tie rules leftmost and rightmost"
    f" ({EXACT})",
    "independent": f"for all x, y in the domain that differ at most in x2, left(x) = left(y) ({EXACT}, any tie rule)",
    "increasing": f"for all x <= y in the domain that differ at most in x2, left(x) <= left(y) ({EXACT}, any tie rule)",
    "decreasing": f"for all x <= y in the domain, left(x) >= left(y) ({EXACT}, tie rule average)",
    "convex": f"for all x, y in the domain, left((x + y)/2) <= (left(x) + left(y))/2 ({EXACT}, any tie rule)",
    "concave": f"for all x, y in the domain, left((x + y)/2) >= (left(x) + left(y))/2 ({EXACT}, any tie rule)",
}
DENIES = {  # what each of the refutations proves
    "equal": "at x = (-1), left(x) = (0), right(x) = (-1) (tie rule average);"
    " this refutes: for every x in the domain, left(x) = right(x)",
    "at-most": "at x = (-1/3), left(x) = (1/3), right(x) = (0) (tie rule average);"
    " this refutes: for every x in the domain, left(x) <= right(x)",
    "within": "at x = (-1), left(x) = (-1), right(x) = (0) (tie rule rightmost);"
    " this refutes: for every x in the domain, |left(x) - right(x)| <= 1/2",
    "range": "at x = (-1), left(x) = (0, -1, 1) (tie rule average);"
    " this refutes: for every x in the domain, 0 <= left(x)_1 and -1 <= left(x)_2 <= 1 and left(x)_3 <= 1/2",
    "avoids": "at x = (0), left(x) = (0, 0, 0) (tie rule average);"
    " this refutes: for every x in the domain, y = left(x) satisfies none of (0 <= 2 and -1/3 y1 + y3 <= 0)",
    "invariant": "at x = (1, 0, 0), left(x) = (1), left(x2, x3, x1) = (3) (tie rule average);"
    " this refutes: for every x in the domain, left(x) = left(x2, x3, x1)",
    "ties-agree": "at x = (0), left(x) average = (2/3), left(x) rightmost = (1);"
    " this refutes: for every x in the domain, left(x) is the same under the tie rules average and rightmost",
    "independent": "at x = (0, 1/2), y = (1, 1/2), left(x) = (1/2), left(y) = (1) (tie rule average);"
    " this refutes: for all x, y in the domain that differ at most in x1, left(x) = left(y)",
    "increasing": "at x = (0, 0), y = (1/2, 1), left(x) = (0), left(y) = (-1/2) (tie rule average);"
    " this refutes: for all x <= y in the domain, left(x) <= left(y)",
    "decreasing": "at x = (-1), y = (0), left(x) = (0), left(y) = (1) (tie rule leftmost);"
    " this refutes: for all x <= y in the domain, left(x) >= left(y)",
    "convex": "at x = (-1), y = (1), left((x + y)/2) = (0), left(x) = (-1), left(y) = (-1) (tie rule average);"
    " this refutes: for all x, y in the domain, left((x + y)/2) <= (left(x) + left(y))/2",
    "concave": "at x = (-1/2), y = (1), left((x + y)/2) = (1/4), left(x) = (0), left(y) = (1) (tie rule average);"
    " this refutes: for all x, y in the domain, left((x + y)/2) >= (left(x) + left(y))/2",
}

__all__ = [name for name in dir() if not name.startswith("_")]
