"""Small changes to Python source, one at a time: other operators, constants, conditions, results, arguments."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

ORDERINGS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add, ast.Mult),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.FloorDiv: (ast.Mult, ast.Add),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.BitAnd: (ast.BitOr, ast.BitXor),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
}
TWINS = {"any": "all", "all": "any", "min": "max", "max": "min", "lcm": "gcd", "gcd": "lcm", "sorted": "list"}
RESULTS = ("None", "True", "False", "0", "[]")
COMMUTATIVE = {"max", "min", "lcm", "gcd", "both"}  # their two arguments may be exchanged
GENERIC = {"dict", "list", "tuple", "set", "frozenset", "type", "Callable", "Iterable", "Mapping", "Sequence"}


Path = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Mutation:
    """One change: where and what; the file with it is made on demand."""

    file: str
    function: str
    what: str  # with its number among equal changes in this function
    original: str  # the whole file
    path: Path
    number: int  # among the changes of the node

    @property
    def key(self) -> str:
        """What names it in lists: the same as long as the function says the same."""
        return f"{self.file}:{self.function}: {self.what}"

    @property
    def lines(self) -> range | None:
        """The lines of the statement that is changed, of a compound one its head; None outside of functions."""
        node: ast.AST = _parsed(self.original)
        statement, inside = None, False
        for step in self.path:
            node = _at(node, (step,))
            inside |= isinstance(statement, ast.FunctionDef) and step[0] == "body"
            if isinstance(node, ast.stmt):
                statement = node
        if statement is None or not inside or isinstance(statement, ast.FunctionDef):
            return None
        body = getattr(statement, "body", None)
        last = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
        return range(statement.lineno, max(statement.lineno, last) + 1)

    def tree(self) -> ast.Module:
        """The file with the change."""
        tree = ast.parse(self.original)
        node = _at(tree, self.path)
        change = [change for _, change in _changes(node)][self.number]
        new = change(node)
        if new is not None:
            _put(_at(tree, self.path[:-1]), self.path[-1], new)
        return ast.fix_missing_locations(tree)


def mutations(file: str, source: str) -> Iterator[Mutation]:
    """All changes to one file, in the order of the source."""
    tree = ast.parse(source)
    count: Counter[tuple[str, str]] = Counter()
    for path, function in _nodes(tree, (), "module"):
        for index, (what, _) in enumerate(_changes(_at(tree, path))):
            count[function, what] += 1
            number = count[function, what]
            yield Mutation(file, function, what if number == 1 else f"{what} #{number}", source, path, index)


def _nodes(node: ast.AST, path: Path, function: str) -> Iterator[tuple[Path, str]]:
    """The paths to all nodes that run: no annotations, no names for types, no documentation."""
    if path:
        yield path, function
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        function = node.name if function == "module" else f"{function}.{node.name}"
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "ctx", "type_comment", "decorator_list"):
            continue
        for index, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(item, ast.AST) and not _is_text(item) and not _names_a_type(item):
                yield from _nodes(item, (*path, (name, index)), function)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _names_a_type(node: ast.AST) -> bool:
    """`Row = tuple[Form, bool]`, `Network = Maxout | Transformer`: annotations under a name."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, (ast.Subscript, ast.BinOp)):
        return False
    parts = (ast.Name, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr, ast.expr_context)
    nothing = (part for part in ast.walk(node.value) if not isinstance(part, parts))
    target = node.targets[0]
    named = isinstance(target, ast.Name) and target.id[0].isupper()
    return named and all(isinstance(part, ast.Constant) and part.value is None for part in nothing)


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def _at(tree: ast.AST, path: Path) -> ast.AST:
    for name, index in path:
        found = getattr(tree, name)
        tree = found if index is None else found[index]
    return tree


def _put(parent: ast.AST, last: tuple[str, int | None], new: ast.AST) -> None:
    name, index = last
    if index is None:
        setattr(parent, name, new)
    else:
        getattr(parent, name)[index] = new


Change = Callable[[ast.AST], ast.AST | None]  # edits the node in place, or gives another one for it


def _expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """What is done to one node: each change with its description."""
    for maker in _MAKERS:
        for what, change in maker(node):
            new = _copied(node)
            replaced = change(new)
            before, after = _short(node), _short(new if replaced is None else replaced)
            if before != after:
                yield f"{what}: {before} -> {after}", change


def _copied(node: ast.AST) -> ast.AST:
    """A copy to describe the change with; of an `if` the condition only."""
    return ast.If(deepcopy(node.test), [], []) if isinstance(node, ast.If) else deepcopy(node)


def _short(node: ast.AST) -> str:
    text = f"if {ast.unparse(node.test)}" if isinstance(node, ast.If) else ast.unparse(node)
    return " ".join(text.split())


def _comparisons(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Compare):
        return
    for i, op in enumerate(node.ops):
        others = [OPPOSITE[type(op)]] if type(op) in OPPOSITE else [o for o in ORDERINGS if o is not type(op)]
        for other in others:
            yield "comparison", lambda n, i=i, other=other: n.ops.__setitem__(i, other())


def _operators(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        for other in OTHER_OPERATORS.get(type(node.op), ()):
            yield "operator", lambda n, other=other: setattr(n, "op", other())
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.BitOr, ast.FloorDiv, ast.Div)):
        yield "operands exchanged", lambda n: ast.BinOp(n.right, n.op, n.left)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield "dropped", lambda n: n.operand


def _constants(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "constant", lambda n: ast.Constant(not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        for step in (1, -1):
            yield "constant", lambda n, step=step: ast.Constant(n.value + step)


def _connectives(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield "and/or", lambda n: setattr(n, "op", other())
        for i in range(len(node.values)):
            yield "part dropped", lambda n, i=i: _without(n, i)


def _without(node: ast.AST, i: int) -> ast.expr | None:
    assert isinstance(node, ast.BoolOp)
    del node.values[i]
    return node.values[0] if len(node.values) == 1 else None


def _conditions(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, (ast.If, ast.IfExp)):
        for value in (True, False):
            yield "condition", lambda n, value=value: setattr(n, "test", ast.Constant(value))
    if isinstance(node, ast.comprehension):
        for i in range(len(node.ifs)):
            for value in (True, False):
                yield "filter", lambda n, i=i, value=value: n.ifs.__setitem__(i, ast.Constant(value))


def _returns(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Return) and node.value is not None:
        for text in RESULTS:
            yield "result", lambda n, text=text: setattr(n, "value", _expression(text))


def _calls(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Call):
        return
    if isinstance(node.func, ast.Name) and node.func.id in TWINS:
        yield "function", lambda n: setattr(n, "func", ast.Name(TWINS[n.func.id], ast.Load()))
    same = isinstance(node.func, ast.Name) and node.func.id in COMMUTATIVE and len(node.args) == 2
    for i in range(0 if same else len(node.args) - 1):
        yield "arguments exchanged", lambda n, i=i: _exchange(n.args, i)


def _exchange(items: list[ast.expr], i: int) -> None:
    items[i], items[i + 1] = items[i + 1], items[i]


def _subscripts(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Subscript) or (isinstance(node.value, ast.Name) and node.value.id in GENERIC):
        return
    if isinstance(node.slice, ast.Slice):
        for side, missing in (("lower", "1"), ("upper", "-1")):
            old = getattr(node.slice, side)
            for sign in ("+", "-") if old is not None else ("",):
                text = missing if old is None else f"{ast.unparse(old)} {sign} 1"
                yield "slice", lambda n, side=side, text=text: setattr(n.slice, side, _expression(text))
    elif not isinstance(node.slice, (ast.Constant, ast.Tuple)):
        for sign in ("+", "-"):
            text = f"{ast.unparse(node.slice)} {sign} 1"
            yield "index", lambda n, text=text: setattr(n, "slice", _expression(text))


def _statements(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield "statement removed", lambda n: ast.Pass()
    if isinstance(node, (ast.Break, ast.Continue, ast.AugAssign)):
        yield "statement removed", lambda n: ast.Pass()
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        yield "statement removed", lambda n: ast.Pass()


def _defaults(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.arguments):
        return
    for i, default in enumerate(node.defaults):
        if isinstance(default, ast.Constant) and default.value is None:
            for text in ("0", "1"):
                yield "default", lambda n, i=i, text=text: n.defaults.__setitem__(i, _expression(text))
        elif isinstance(default, ast.Tuple):
            yield "default", lambda n, i=i: n.defaults.__setitem__(i, _expression("('untrusted',)"))


_MAKERS = (
    *(_comparisons, _operators, _constants, _connectives, _conditions),
    *(_returns, _calls, _subscripts, _statements, _defaults),
)
