"""The proof folder: the networks, the certificate, the report, all that is needed to check the claim again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import exactformer.kernel
from exactformer.arguments import as_path
from exactformer.documents import render_html, render_markdown, render_text
from exactformer.enclosure import Number, value_json
from exactformer.errors import InvalidInput, printable
from exactformer.formats.files import read_bytes
from exactformer.formats.network_json import dump as network_text
from exactformer.formats.network_json import parse_json
from exactformer.manifest import CERTIFICATE, MANIFEST, check_place, write_files
from exactformer.networks import Network
from exactformer.prover.chain import Chain
from exactformer.prover.judging import SHARDS, certificate_files
from exactformer.prover.leaves import leaf_scripts
from exactformer.prover.outcome import Outcome, check_outcome
from exactformer.prover.question import LEFT, RIGHT, Question
from exactformer.prover.smtlib import claim_text
from exactformer.reporting import Report, asked_by_file, build_report, document_of, kernel_facts

REPORT, CORRESPONDENCE, CLAIM, DOMAIN, README = (
    *("report.json", "correspondence.json", "claim.smt2", "domain.json", "README.txt"),
)
PAGES = ("report.txt", "report.md", "report.html")


def check_folder(
    folder: Path,
    networks: Mapping[str, Network],
    *,
    inputs: Sequence[Path] = (),
    obligations: bool = False,
    kernel: bool = False,
    beside: Collection[str] = (),
) -> None:
    """Raises what `write_folder` would raise of the folder: known before the work, not after it.

    `networks` are those that are known already, by their files' names; `beside` names further files.
    """
    names = {*beside, LEFT, RIGHT, CERTIFICATE, REPORT, CORRESPONDENCE, DOMAIN, README, *PAGES}
    names |= {path.name for path in folder.glob(SHARDS)}
    if obligations:
        names |= {CLAIM, *(path.relative_to(folder).as_posix() for path in folder.glob("obligations/leaf-*.smt2"))}
    if kernel:
        names |= {f"kernel/{path.name}" for path in _kernel()}
    known = {name: network_text(network).encode() for name, network in networks.items()}
    check_place(folder, "proof", names, known=known, inputs=inputs)


def write_folder(
    outcome: Outcome,
    folder: str | Path,
    *,
    obligations: bool = False,
    kernel: bool = False,
    inputs: Sequence[Path] = (),
    beside: Mapping[str, str] | None = None,
) -> Report:
    """Write a proof folder, each file whole or not at all, and return its report.

    The same networks, question, options and versions give the same bytes, as long as no time limit is met.
    `obligations` adds the claim and the leaves of its proof as SMT-LIB 2; `kernel` adds the kernel's source, so that
    the folder can be checked with nothing but Python; `beside` has further files with their texts. What an earlier
    run left in the folder gives way, so that the files always belong together. Raises `InvalidInput` when the folder
    cannot be written, when a file is in the way that exactformer did not write there as it is now, and for one of
    `inputs` (files that the user gave) that would be changed; nothing is changed then.
    """
    folder = as_path(folder, "folder")
    check_outcome(outcome)
    files = {"left": LEFT, "report": REPORT} | ({} if outcome.right is None else {"right": RIGHT})
    if outcome.certificate is not None:
        files["certificate"] = CERTIFICATE
    elif asked_by_file(outcome):
        files["domain"] = DOMAIN
    if outcome.compiled is not None:
        files["correspondence"] = CORRESPONDENCE
    report = build_report(outcome, files=files)
    ours = dict(_files(outcome, report, obligations, kernel))
    write_files(Path(folder), "proof", {**(beside or {}), **ours}, inputs=inputs)
    return report


def _kernel() -> list[Path]:
    return sorted(Path(exactformer.kernel.__file__).parent.glob("*.py"))


def _files(outcome: Outcome, report: Report, obligations: bool, kernel: bool) -> Iterator[tuple[str, str]]:
    yield LEFT, network_text(outcome.left)
    if outcome.right is not None:
        yield RIGHT, network_text(outcome.right)
    if outcome.compiled is not None:
        yield CORRESPONDENCE, json.dumps(outcome.compiled.correspondence.to_json(), indent=1) + "\n"
    if obligations:
        yield from _scripts(outcome)
    if kernel:
        yield from ((f"kernel/{path.name}", path.read_text(encoding="utf-8")) for path in _kernel())
    if report.file("domain"):
        yield DOMAIN, json.dumps(outcome.domain.to_json()) + "\n"
    yield REPORT, json.dumps(report.to_json(), indent=1) + "\n"
    document = document_of(report)
    yield from zip(PAGES, (render(document) for render in (render_text, render_markdown, render_html)), strict=True)
    yield README, _readme(outcome, report, kernel)
    if outcome.certificate is not None:  # last: a folder with a certificate is complete
        yield from certificate_files(outcome.certificate).items()


def _scripts(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """The whole claim, and each leaf of its proof; the answer unsat confirms them."""
    question = Question(outcome.claim, outcome.left, outcome.right, outcome.domain, outcome.semantics)
    yield CLAIM, claim_text(question)
    steps = (outcome.certificate or {}).get("tree", [])
    width = len(str(len(steps)))
    for number, (rule, text) in enumerate(leaf_scripts(question.goal(), steps) if steps else ()):
        yield f"obligations/leaf-{number:0{width}}-{rule}.smt2", text


def _readme(outcome: Outcome, report: Report, kernel: bool) -> str:
    """What a stranger needs to know who has this folder and Python."""
    lines = [f"{outcome.headline}: {printable(outcome.theorem or outcome.reason or '')}", ""]
    for role, text in (("left", "the network called left"), ("right", "the network called right")):
        lines += [f"  {report.file(role):18} {text}"] if report.file(role) else []
    if outcome.certificate is not None:
        lines.append(f"  {CERTIFICATE:18} the {'proof' if outcome.verdict == 'proved' else 'counterexample'}")
    lines += [f"  {'report.html':18} the report, also as text, Markdown and data (report.txt, .md, .json)"]
    lines += [f"  {MANIFEST:18} the digests of all files: which are as they were written", ""]
    if outcome.certificate is None:
        return "\n".join([*lines, "There is no certificate: nothing here can be checked by the kernel.", ""])
    return "\n".join([*lines, *_how_to_check(report.trust.kernel.sha256, kernel)])


def _how_to_check(digest: str, kernel: bool) -> list[str]:
    """Lines that say how the certificate of a folder is checked again."""
    place = "kernel" if kernel else "path/to/exactformer/kernel"
    where = "is in the folder kernel here" if kernel else "is the folder exactformer/kernel of the package exactformer"
    return [
        "To check it, Python 3.11 or later is enough. The checker, called kernel, needs the standard library only,",
        f"and {where}. In this folder run",
        "",
        f"    python -I -S {place} {CERTIFICATE}",
        "",
        'It prints one JSON object: {"accepted": true, "theorem": ...} and the digests of the network files.',
        "Do not trust a kernel because it came with the proof: read it, or compare its digest,",
        "",
        f"    cd {place} && LC_ALL=C sh -c 'sha256sum *.py | sha256sum'",
        f"    {digest}",
        "",
        "with that of a source you trust. The format of the certificate is specified in docs/certificate-1.md of the",
        "package, precisely enough to write another checker.",
        "",
    ]


def write_chain(
    chain: Chain,
    folder: str | Path,
    *,
    kernel: bool = False,
    inputs: Sequence[Path] = (),
    beside: Mapping[str, str] | None = None,
) -> None:
    """Write the folder of a chain: networks, links, and the certificate of the whole; `write_folder` says how."""
    lines = [f"PROVED: {printable(chain.theorem)}", ""]
    lines += [f"  {name:18} {_role(name)}" for name in chain.files]
    lines += [f"  {MANIFEST:18} the digests of all files: which are as they were written", ""]
    source = {f"kernel/{path.name}": path.read_text(encoding="utf-8") for path in _kernel()} if kernel else {}
    readme = "\n".join([*lines, *_how_to_check(kernel_facts().sha256, kernel)])
    last = {CERTIFICATE: chain.files[CERTIFICATE]}  # a folder with a certificate is complete
    files = {**source, **(beside or {}), README: readme, **chain.files}
    del files[CERTIFICATE]
    write_files(as_path(folder, "folder"), "proof", {**files, **last}, inputs=inputs)


def chain_names(links: int, *, kernel: bool = False) -> list[str]:
    """The files that `write_chain` writes for so many links."""
    middle = [f"middle-{i}.json" for i in range(1, links)]
    names = [LEFT, *middle, RIGHT, *(f"link-{i}.json" for i in range(1, links + 1)), CERTIFICATE, README]
    return names + [f"kernel/{path.name}" for path in _kernel() if kernel]


def _role(name: str) -> str:
    roles = {LEFT: "the first side", RIGHT: "the last side", CERTIFICATE: "the proof of the whole"}
    return roles.get(name) or ("a network between them" if name.startswith("middle") else "the proof of one link")


def read_report(proof: str | Path) -> Report:
    """The report data of a proof folder (or of any file in it). Raises `InvalidInput` when there is none.

    These are what the file says; `exactformer.rechecked.recheck` has the kernel say whether they are true.
    """
    proof = as_path(proof, "proof")
    if not proof.exists():
        raise InvalidInput(f"{proof}: expected a proof folder, found nothing there")
    path = (proof if proof.is_dir() else proof.parent) / REPORT
    try:
        return Report.from_json(parse_json(read_bytes(path, follow=False), str(path)), str(path))
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidInput(f"{path}: expected the report of a proof folder, found: {error}") from None


def summary(outcome: Outcome, folder: Path) -> dict[str, Any]:
    """The stable JSON keys of `prove` and `verify`."""
    witness = outcome.witness
    return {
        "verdict": outcome.verdict,
        "method": outcome.method,
        "claim": outcome.claim.name,
        "parameters": outcome.claim.parameters,
        "domain": outcome.domain.to_json(),
        "regions": outcome.counts.get("regions"),
        "witness": None
        if witness is None
        else {
            "point": _texts(witness.point),
            "left": _texts(witness.left),
            "right": _texts(witness.right),
            "evaluations": [
                {
                    "label": e.label.format(left="left", right="right"),
                    "point": _texts(e.inputs),
                    "value": _texts(e.outputs),
                }
                for e in witness.evaluations
            ],
        },
        "certified": outcome.certified,
        "certificate": None if outcome.certificate is None else str(folder / CERTIFICATE),
        "theorem": outcome.theorem,
        "reason": outcome.reason,
        "seconds": round(outcome.seconds, 6),
        "counts": outcome.counts,
    }


def _texts(values: Sequence[Number]) -> list[Any]:
    """Numbers as "p/q" text, or with lower and upper where they are only enclosed."""
    found = map(value_json, values)
    return [{key: str(x) for key, x in y.items()} if isinstance(y, dict) else str(y) for y in found]
