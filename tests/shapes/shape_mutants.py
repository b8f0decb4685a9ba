"""Changes the checker's source, one operator, constant, condition, argument or result at a time, and asks who notices.

Usage: python tests/shapes/shape_mutants.py [FUNCTION ...]   (default: all of polynomials, networks, certificates)

A change is noticed when a certificate of the corpus has another answer: the committed ones, those of the tests, damaged
or not, and twins of two small shapes with a flipped sign; or when a test of polynomials, maxima or heads fails.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "faults")]

from hypothesis import Phase, settings  # noqa: E402

settings.register_profile("mutants", phases=(Phase.generate,), max_examples=60, database=None, derandomize=True)
settings.load_profile("mutants")  # before the tests are read

import test_shapes_checker as tests  # noqa: E402
from fault_mutations import Mutation, mutations  # noqa: E402

from exactformer.generic.constructions import gated_for_all_weights, global_for_all_weights  # noqa: E402
from exactformer.generic.damage import flipped, nonzeros  # noqa: E402
from exactformer.generic.lemmas import gates_keep_the_maximum, paired_maxima  # noqa: E402
from exactformer.generic.shape import Shape  # noqa: E402
from exactformer.kernel.reading import Rejected  # noqa: E402

MODULES = ("polynomials", "networks", "certificates")
SECONDS = 20  # of a processor, for one mutant
Files = dict[str, bytes]


def corpus() -> Iterator[Files]:
    """Certificates with their networks, the cheap ones first."""
    for case in tests.CASES.values():
        yield certified(list(case))
    for base, change, _ in tests.DAMAGED.values():
        damaged = deepcopy(list(tests.CASES[base]))
        change(damaged)  # type: ignore[arg-type]
        yield certified(damaged)
    small = [gated_for_all_weights(Shape(1, (2, 1), 2)), global_for_all_weights(Shape(1, (1,), 2))]
    yield encoded(global_for_all_weights(Shape(2, (1,), 2, 2)).files())  # two inputs and two outputs
    for statement in (*small, gates_keep_the_maximum(3), paired_maxima(1, 2, 2)):
        for number in range(-1, nonzeros(statement.right)):
            yield encoded(replace(statement, right=flipped(statement.right, number)).files())
        for number in range(len(statement.steps)):  # without one step
            steps = (*statement.steps[:number], ["sum", []], *statement.steps[number + 1 :])
            yield encoded(replace(statement, steps=steps).files())
    for folder in sorted(tests.PROOFS.iterdir()):
        yield {path.name: path.read_bytes() for path in folder.glob("*.json")}


def encoded(files: dict[str, str]) -> Files:
    return {name: text.encode() for name, text in files.items()}


def certified(case: list[Any]) -> Files:
    files = {"left.json": json.dumps(case[1]).encode(), "right.json": json.dumps(case[2]).encode()}
    sides = {name[:-5]: {"file": name, "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    return {**files, "certificate.json": json.dumps({**case[0], **sides}).encode()}


def answer(check: Callable[..., dict[str, object]], files: Files) -> str:
    """What a checker says; where a check breaks down, the name of the exception."""
    try:
        return json.dumps(check(files["certificate.json"], files.__getitem__))
    except Rejected as reason:
        return str(reason)
    except Exception as error:
        return type(error).__name__


def loaded(mutation: Mutation | None) -> dict[str, ModuleType]:
    """The modules of the checker, one of them with a change."""
    made = {}
    for name in MODULES:
        full = f"exactformer.shapes.{name}"
        source = tests.CHECKER / f"{name}.py"
        tree: Any = source.read_text()
        if mutation is not None and mutation.file == name:
            tree = mutation.tree()
        module = ModuleType(full)
        sys.modules[full] = module
        exec(compile(tree, str(source), "exec"), module.__dict__)
        made[name] = module
    return made


def noticed(mutation: Mutation, entries: list[tuple[Files, str]]) -> bool:
    """Whether the corpus or a test tells the change; a mutant that ends in any other way is told, too."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        code = 1
        try:
            made = loaded(mutation)
            if all(answer(made["certificates"].check, files) == told for files, told in entries) and unit_tests(made):
                code = 0
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] != 0


def unit_tests(made: dict[str, ModuleType]) -> bool:
    """Whether the tests of polynomials, maxima and heads pass with these modules."""
    for name, value in vars(tests).copy().items():
        for module in made.values():
            if getattr(value, "__module__", "") == module.__name__ and hasattr(module, name):
                setattr(tests, name, getattr(module, name))
    for name in UNIT_TESTS:
        getattr(tests, name)()
    for text, found in ((3, {(): 3}), ("-x + 2*x*x - x^2 + x", {(0, 0): 1})):
        tests.test_numbers_and_texts(text, found)
    for text in ("", "x +", "w", "x^0", "x^65", "x^100", "x^", "1/0", "x*", "2^2", "2x", None):
        tests.test_other_texts_are_rejected(text)
    return True


UNIT_TESTS = (
    "test_relu_of_the_opposite_is_no_new_atom",
    "test_a_known_sign_decides_a_maximum_and_so_do_its_positive_multiples",
    "test_tokens_below_another_by_a_constant_carry_no_weight",
    "test_values_along_the_scores_make_their_maximum",
    "test_a_causal_transformer_without_residuals",
    "test_the_shape_is_named_where_all_entries_are_different_unknowns",
    "test_powers_are_limited",
    "test_a_coefficient_may_be_zero",
    "test_an_example_may_need_the_value_of_a_maximum",
    "test_numbers_alone_need_no_input",
    "test_messages_say_what_is_wrong",
    "test_products_do_not_depend_on_the_order",
    "test_arithmetic_is_that_of_values",
    "test_maxima_have_the_largest_value",
)


def main(functions: list[str]) -> None:
    """Print the survivors, and how many there were."""
    before = loaded(None)["certificates"].check
    entries = [(files, answer(before, files)) for files in corpus()]
    todo = [m for name in MODULES for m in mutations(name, (tests.CHECKER / f"{name}.py").read_text())]
    todo = [m for m in todo if m.function != "check_file"]  # by the tests of the program
    todo = [m for m in todo if not functions or m.function in functions]
    print(f"{len(entries)} certificates, {len(todo)} changes", flush=True)
    survivors = [m.key for m in todo if not noticed(m, entries) and not print(m.key, flush=True)]
    print(f"{len(todo) - len(survivors)} noticed, {len(survivors)} not")


if __name__ == "__main__":
    main(sys.argv[1:])
