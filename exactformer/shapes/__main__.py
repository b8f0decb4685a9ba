"""`python -I -S shapes CERTIFICATE`: check one certificate where no third-party package can be imported."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType


def main(arguments: list[str]) -> int:
    """Print the theorem, or the reason for the rejection, as one JSON object; exit code 0 or 4."""
    package = ModuleType("exactformer")  # without what the package itself imports
    package.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["exactformer"] = package
    from exactformer.kernel.reading import Rejected
    from exactformer.shapes.certificates import check_file

    try:
        found = check_file(Path(arguments[0]))
    except Rejected as rejection:
        print(json.dumps({"accepted": False, "reason": str(rejection)}))
        return 4
    print(json.dumps({"accepted": True, **found}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
