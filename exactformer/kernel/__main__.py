"""`python -I -S kernel CERTIFICATE`: check one certificate where no third-party package can be imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Print the theorem, or the reason for the rejection, as one JSON object; exit code 0 or 4."""
    sys.path[:] = [*sys.path[1:], str(Path(__file__).resolve().parent.parent)]
    from kernel.claims import check_file
    from kernel.reading import Rejected

    try:
        theorem = check_file(Path(arguments[0]))
    except Rejected as rejection:
        print(json.dumps({"accepted": False, "reason": str(rejection)}))
        return 4
    keys = ("claim", "parameters", "holds", "tie", "digests", "domain", "counts")
    result = {"accepted": True, "theorem": theorem.statement}
    print(json.dumps(result | {key: getattr(theorem, key) for key in keys}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
