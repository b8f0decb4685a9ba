"""From functions to Transformers: pieces against accuracy, the time of both, and affine pieces beside Sollya's supnorm.

Sizes: pieces for an accuracy, beside what theorems ask for on a uniform grid, the fewest in the limit, and the fewest
that the samples allow when pieces need not meet. Work: ten thousand intervals, two thousand simplices, and how time
grows. Sollya: the same affine pieces bounded by its `supnorm` and by the kernel's `least`, one run each. All times are
CPU seconds of this process, or of Sollya's.
Usage: python benchmarks/approximation.py [--only sizes|work|sollya] [--picture FILE.svg] [--small]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import time
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import lcm
from pathlib import Path
from typing import Literal

import numpy as np

import exactformer as ef
from exactformer.approximation import Approximation
from exactformer.approximation.interpolants import Form, interpolant
from exactformer.approximation.knots import Floats, Polyline
from exactformer.approximation.prediction import Prediction
from exactformer.approximation.tree import steps_of
from exactformer.compiler import compile_network
from exactformer.documents.chart import HEIGHT, WIDTH, Chart, Curve, Span, Style, outline, rightwards, upwards
from exactformer.documents.chart_svg import chart_svg
from exactformer.formats.network_json import to_object
from exactformer.kernel import certificates
from exactformer.kernel.functions import Function as KernelFunction
from exactformer.kernel.functions import least, read_function

ONE = (
    ("exp(x)", 0, 3),
    ("sin(3*x) + x^2/2", -2, 2),
    ("sigmoid(x)", -6, 6),
    ("abs(x - 1/3) + x^2/4", -1, 1),
    ("sqrt(x)", 0, 1),
)
MORE = (
    ("exp(-x^2 - y^2)", -1, 1, ("1/10", "1/50", "1/200")),
    ("x*y", -1, 1, ("1/10", "1/50", "1/200")),
    ("sin(x)*cos(y)", -2, 2, ("1/10", "1/50", "1/200")),
    ("x*y*z", 0, 1, ("1/4", "1/10")),
)
SOFT = (("exp(x)", 0, 3, "1/10000"), ("sigmoid(x)", -6, 6, "1/1000"), ("exp(-x^2 - y^2)", -1, 1, "1/10"))
DRAWN = ("sin(3*x) + x^2/2", -2, 2)
EPSILONS = ("1/10", "1/100", "1/1000", "1/10000", "1/100000")
PER_PIECE = 100  # samples, for the fewest pieces that do not meet
COUNT = 256  # pieces for Sollya


@dataclass(frozen=True)
class Run:
    """An approximation, and the CPU seconds to find its network, to compile it, of everything, and of a check."""

    found: Approximation
    network: float
    compiled: float
    whole: float
    check: float


def run(
    text: str, low: int, high: int, epsilon: str, *, hard: bool = True, form: Form | Literal["auto"] = "auto"
) -> Run:
    """Approximate on the box from low to high in every variable, and check the chain once more."""
    function = ef.function(text)
    domain = ef.Box([low] * function.inputs, [high] * function.inputs)
    start = time.process_time()
    met = interpolant(function, domain, Fraction(epsilon), "M4" if function.inputs == 1 else "M1")
    built = time.process_time()
    compile_network(met.network, domain=domain)
    compiled = time.process_time()
    found = ef.approximate(function, epsilon=epsilon, domain=domain, hard=hard, form=form, timeout=600)
    proved = time.process_time()
    if found.chain is None:
        raise SystemExit(f"{text} at {epsilon}: {found.reason}")
    files = found.chain.files
    certificates.check(files["certificate.json"].encode(), lambda name: files[name].encode(), "certificate.json")
    checked = time.process_time()
    return Run(found, built - start, compiled - built, proved - compiled, checked - proved)


# --- sizes ------------------------------------------------------------------------------------------------------------


def apart_at_least(text: str, low: int, high: int, epsilon: str, count: int) -> int:
    """The fewest pieces, free to jump, that are within epsilon of samples: no fewer are so near to the function.

    Every piece is as long as it can be, which is best, since parts of a piece are pieces. A line is within e of points
    if and only if their convex hull is nowhere more than 2 e high.
    """
    x = np.linspace(low, high, PER_PIECE * count + 1)
    y = ef.evaluate_batch(ef.function(text), x[:, None])[:, 0]
    pieces, first, last, e = 0, 0, len(x), float(Fraction(epsilon))
    while first < last:
        good, step = first + 1, PER_PIECE
        while good < last and height(x[first : good + step], y[first : good + step]) <= 2 * e:
            good, step = min(good + step, last), 2 * step
        bad = min(good + step, last + 1)
        while bad - good > 1:
            middle = (good + bad) // 2
            if height(x[first:middle], y[first:middle]) <= 2 * e:
                good = middle
            else:
                bad = middle
        pieces, first = pieces + 1, good
    return pieces


def height(x: Floats, y: Floats) -> float:
    """How high the convex hull of points is at most, x increasing."""
    if len(x) <= 2:
        return 0.0
    return float((_hull(x, y) + _hull(x, -y)).max())


def _hull(x: Floats, y: Floats) -> Floats:
    """The least concave function that is at least y, at x."""
    kept: list[int] = []
    px, py = x.tolist(), y.tolist()
    for i in range(len(px)):
        while len(kept) > 1:
            a, b = kept[-2:]
            if (py[b] - py[a]) * (px[i] - px[a]) > (py[i] - py[a]) * (px[b] - px[a]):
                break
            kept.pop()
        kept.append(i)
    return np.interp(x, x[kept], y[kept])


def predicted(found: Approximation) -> tuple[Prediction, Prediction, Prediction | None]:
    """What E1 and E3 ask for on a uniform grid, and the fewest intervals in the limit."""
    lines = found.predictions()
    return lines[0], lines[1], lines[2] if found.function.inputs == 1 else None


HEAD = f"{'function':<22} {'box':<9} {'epsilon':<9} {'pieces':>6} {'E1':>9} {'E3':>8}"
TIMES = f"{'ratio':>6} {'network':>8} {'compile':>8} {'all':>8} {'check':>7}"


def times(done: Run) -> str:
    """How near the proved bound is to the error at a point, and the seconds."""
    ratio = "-" if done.found.extreme.ratio is None else f"{float(done.found.extreme.ratio):.3f}"
    return f"{ratio:>6} {done.network:>8.2f} {done.compiled:>8.2f} {done.whole:>8.2f} {done.check:>7.2f}"


def start(text: str, low: int, high: int, epsilon: str, found: Approximation) -> str:
    """The first columns of a row."""
    grid, smooth, _ = predicted(found)
    box = f"[{low}, {high}]" + (f"^{found.function.inputs}" if found.function.inputs > 1 else "")
    return f"{text:<22} {box:<9} {epsilon:<9} {found.pieces:>6} {float(grid.value):>9.4g} {float(smooth.value):>8.4g}"


def sizes(small: bool) -> None:
    """The tables of sizes."""
    print(f"{HEAD} {'limit':>8} {'jumping':>7} {'pieces/jumping':>14} {TIMES}")
    for text, low, high in ONE[:1] if small else ONE:
        for epsilon in EPSILONS[:2] if small else EPSILONS:
            done = run(text, low, high, epsilon)
            _, _, limit = predicted(done.found)
            jumping = apart_at_least(text, low, high, epsilon, done.found.pieces)
            share = done.found.pieces / jumping
            columns = start(text, low, high, epsilon, done.found)
            fewest = "" if limit is None else f"{float(limit.value):.1f}"
            print(f"{columns} {fewest:>8} {jumping:>7} {share:>14.3f} {times(done)}", flush=True)
    print(f"\n{HEAD} {TIMES}")
    for text, low, high, epsilons in MORE[:1] if small else MORE:
        for epsilon in epsilons[:1] if small else epsilons:
            done = run(text, low, high, epsilon)
            print(f"{start(text, low, high, epsilon, done.found)} {times(done)}", flush=True)
    print(f"\nwith softmax\n{HEAD} {'inverse temperature':>20} {'softmax':>8} {TIMES}")
    for text, low, high, epsilon in SOFT[2:] if small else SOFT:
        done = run(text, low, high, epsilon, hard=False)
        rate, part = max(done.found.temperature), done.found.parts[1] / sum(done.found.parts)
        columns = start(text, low, high, epsilon, done.found)
        print(f"{columns} {float(rate):>20g} {float(part):>8.3f} {times(done)}", flush=True)


def picture(path: Path) -> None:
    """Pieces against accuracy, on logarithmic axes."""
    text, low, high = DRAWN
    epsilons = [10 ** (-k / 2) for k in range(2, 11)]
    counts: dict[tuple[str, Style], list[float]] = {
        ("uniform grid, Lipschitz (E1)", "sample"): [],
        ("uniform grid, second derivative (E3)", "point"): [],
        ("the fewest in the limit", "bound"): [],
        ("pieces here", "value"): [],
    }
    for epsilon in epsilons:
        function, domain = ef.function(text), ef.Box([low], [high])
        found = ef.approximate(function, epsilon=f"{epsilon:.6e}", domain=domain, hard=True)
        grid, smooth, limit = predicted(found)
        assert limit is not None
        needed = [float(grid.value), float(smooth.value), float(limit.value), float(found.pieces)]
        for values, size in zip(counts.values(), needed, strict=True):
            values.append(float(np.log10(size)))
    logs = [float(np.log10(e)) for e in epsilons]
    x, y = Span.of(logs, log=True), Span.of([v for values in counts.values() for v in values], log=True)
    assert x is not None and y is not None
    curves = [
        Curve(label, style, (outline(zip(logs, values, strict=True), x, y, WIDTH, HEIGHT),))
        for (label, style), values in counts.items()
    ]
    title = f"pieces against accuracy, {text} on [{low}, {high}]"
    chart = Chart(
        title, WIDTH, HEIGHT, rightwards("accuracy", x, WIDTH), upwards("pieces", y, HEIGHT), curves=tuple(curves)
    )
    svg = chart_svg(chart).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    path.write_text(svg + "\n", encoding="utf-8")


# --- work -------------------------------------------------------------------------------------------------------------


def work(small: bool) -> None:
    """How long many pieces take, and how that grows."""
    forms: tuple[Form, ...] = ("M4", "M5")  # a unit a piece, one head
    for form in forms:
        print(f"{HEAD} {TIMES} {'all + check, us a piece':>24}   {form}")
        for count in (125,) if small else (1250, 2500, 5000, 10000):
            epsilon = f"{31e-9 * (10000 / count) ** 2:.4g}"
            done = run("exp(x)", 0, 3, epsilon, form=form)
            each = (done.whole + done.check) / done.found.pieces * 1e6
            print(f"{start('exp(x)', 0, 3, epsilon, done.found)} {times(done)} {each:>24.0f}", flush=True)
    for text, low, high, epsilon in () if small else (("x*y", -1, 1, "1/1000"), ("sin(x)*cos(y)", -2, 2, "1/200")):
        done = run(text, low, high, epsilon)
        each = (done.whole + done.check) / done.found.pieces * 1e6
        print(f"{start(text, low, high, epsilon, done.found)} {times(done)} {each:>24.0f}", flush=True)


# --- Sollya -----------------------------------------------------------------------------------------------------------


def even(text: str, count: int, bits: int = 40) -> Polyline:
    """So many pieces of the same length on [-3, 3], through values of the function rounded to so many bits."""
    knots = [Fraction(-3) + Fraction(6 * i, count) for i in range(count + 1)]
    points = np.array([[float(x)] for x in knots])
    values = [
        Fraction(round(y * 2**bits), 2**bits) for y in ef.evaluate_batch(ef.function(text), points)[:, 0].tolist()
    ]
    slopes = [(b - a) / Fraction(6, count) for a, b in pairwise(values)]
    return Polyline(tuple(knots[:-1]), tuple(slopes), values[0], knots[-1])


def pieces_of(line: Polyline) -> list[tuple[Fraction, Fraction, Fraction, Fraction]]:
    """From, to, slope, value at 0 of each piece."""
    ends = (*line.knots[1:], line.end)
    found = zip(line.knots, ends, line.slopes, line.values, strict=False)
    return [(a, b, slope, value - slope * a) for a, b, slope, value in found]


def bound(function: KernelFunction, piece: tuple[Fraction, Fraction, Fraction, Fraction], parts: int) -> Fraction:
    """The kernel's bound of |f - p| on a piece, by both signs, on so many equal parts of it."""
    low, high, slope, value = piece
    den, lows = lcm(slope.denominator, value.denominator), []
    ends = [low + (high - low) * i / parts for i in range(parts + 1)]
    for box in pairwise(ends):
        for sign in (1, -1):
            line = {1: int(-sign * den * slope)}
            found = least([(sign * den, function)], line, int(-sign * den * value), [box])
            assert found is not None
            lows.append(found / den)
    return -min(lows)


def supnorms(text: str, line: Polyline) -> tuple[list[tuple[Fraction, Fraction]], float]:
    """Sollya's intervals of the supremum norm on all pieces, and the CPU time of its process."""
    commands = ["prec = 165;", f"f = {text};", "display = decimal;", "verbosity = 0;"]
    for low, high, slope, value in pieces_of(line):
        commands.append(f"s = supnorm(({value}) + ({slope}) * x, f, [{low}; {high}], absolute, 2^(-10));")
        commands.append('print(inf(s), " ", sup(s));')
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = "\n".join([*commands, "quit;"])
    done = subprocess.run(["sollya"], input=program, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [row.split() for row in done.stdout.splitlines() if row and row[0].isdigit()]
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return [(Fraction(low), Fraction(high)) for low, high in rows], seconds


def sollya(small: bool) -> None:
    """The kernel's enclosures beside `supnorm`. Neither may contradict the other."""
    if shutil.which("sollya") is None:
        print("sollya is not installed")
        return
    version = subprocess.run(["sollya", "--version"], capture_output=True, text=True, check=True).stdout.split()
    count = 16 if small else COUNT
    print(f"Sollya {version[3]}; {count} equal pieces on [-3, 3]; bounds divided by the lower end of supnorm")
    print(f"{'':<8} {'bound by':<26} {'CPU s':>7} {'median':>8} {'largest':>8} {'largest bound':>14}")
    for name, text in (("exp", "exp(x)"), ("sin", "sin(x)"), ("sigmoid", "1/(1 + exp(-x))")):
        line = even(text, count)
        curve = read_function(to_object(ef.function(text)), "function")
        found, spent = supnorms(text, line)
        assert len(found) == count
        bounds = {"supnorm, accuracy 2^-10": (spent, [high for _, high in found])}
        for parts in (1, 4, 16):
            start = time.process_time()
            values = [bound(curve, piece, parts) for piece in pieces_of(line)]
            bounds[f"least, on {parts} part{'s' * (parts > 1)}"] = time.process_time() - start, values
        for how, (spent, values) in bounds.items():
            ratios = np.array([float(value / low) for value, (low, _) in zip(values, found, strict=True)])
            assert all(value >= low for value, (low, _) in zip(values, found, strict=True))
            middle, most = float(np.median(ratios)), float(ratios.max())
            print(f"{name:<8} {how:<26} {spent:>7.3f} {middle:>8.4f} {most:>8.4f} {float(max(values)):>14.6g}")
        epsilon = max(high for _, high in found) * Fraction(1001, 1000)
        start = time.process_time()
        steps = steps_of(line, curve, epsilon)
        spent = time.process_time() - start
        assert steps is not None
        cells = sum(step[0] == "holds" for step in steps)
        print(
            f"{name:<8} {'a proof for all pieces':<26} {spent:>7.3f} {cells} cells, at {float(epsilon):.6g}", flush=True
        )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(["sollya"], input="quit;", capture_output=True, text=True, check=True)
    print(f"starting Sollya takes {resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before:.3f} of its seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("sizes", "work", "sollya"))
    parser.add_argument("--picture", type=Path, metavar="FILE", help="pieces against accuracy, as SVG")
    parser.add_argument("--small", action="store_true", help="the smallest size, which shows only that this runs")
    options = parser.parse_args()
    parts = {"sizes": sizes, "work": work, "sollya": sollya}
    for name, part in parts.items():
        if options.only in (None, name):
            print(f"--- {name}", flush=True)
            part(options.small)
    if options.picture is not None:
        picture(options.picture)


if __name__ == "__main__":
    main()
