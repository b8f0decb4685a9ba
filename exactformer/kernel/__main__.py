"""`python -I -S kernel CERTIFICATE [PROCESSES]`: check a certificate where no third-party package can be imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Print the theorem, or the reason for the rejection, as one JSON object; exit code 0 or 4."""
    sys.path[:] = [*sys.path[1:], str(Path(__file__).resolve().parent.parent)]
    from kernel.certificates import check_file
    from kernel.processes import check_file as check_by
    from kernel.reading import Rejected

    jobs = int(arguments[1]) if arguments[1:] and arguments[1].isdecimal() else 1
    try:
        path = Path(arguments[0])
        found = check_file(path) if jobs < 2 else check_by(path, jobs)
    except Rejected as rejection:
        print(json.dumps({"accepted": False, "reason": str(rejection)}))
        return 4
    print(json.dumps({"accepted": True, **found.to_json()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
