"""`python -I -S kernel CERTIFICATE`: check one certificate where no third-party package can be imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Print the theorem, or the reason for the rejection, as one JSON object; exit code 0 or 4."""
    sys.path[:] = [*sys.path[1:], str(Path(__file__).resolve().parent.parent)]
    from kernel.certificates import check_file
    from kernel.reading import Rejected

    try:
        found = check_file(Path(arguments[0]))
    except Rejected as rejection:
        print(json.dumps({"accepted": False, "reason": str(rejection)}))
        return 4
    print(json.dumps({"accepted": True, **found.to_json()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
