"""Work of a program counted in steps, which are the same on every machine, busy or not.

A step is a call of a function or a round of a loop, comprehensions included: whatever does not end takes ever more of
them, unless it hangs inside one operation of Python itself.
"""

from __future__ import annotations

import ast
from types import CodeType

STEP = "__step__"  # the name by which the counted code finds its counter


class TooMuchWork(BaseException):
    """The steps allowed are used up; no handler for ordinary errors catches this."""


class Work:
    """A counter of steps that stops the program past `limit`."""

    def __init__(self) -> None:
        self.steps = 0
        self.limit: float = float("inf")

    def __call__(self) -> bool:
        """One more step; true, so that it can stand in the condition of a comprehension."""
        self.steps += 1
        if self.steps > self.limit:
            raise TooMuchWork
        return True


def counted(tree: ast.Module, name: str) -> CodeType:
    """The code of a module, each step of which calls the function named `STEP` among its globals."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.For() | ast.While():
                has_text = isinstance(node, ast.FunctionDef) and ast.get_docstring(node, clean=False) is not None
                node.body.insert(int(has_text), ast.Expr(_call()))
            case ast.comprehension():
                node.ifs.insert(0, _call())
            case ast.Lambda():
                node.body = ast.BoolOp(ast.And(), [_call(), node.body])
    return compile(ast.fix_missing_locations(tree), name, "exec")


def _call() -> ast.Call:
    return ast.Call(ast.Name(STEP, ast.Load()), [], [])
