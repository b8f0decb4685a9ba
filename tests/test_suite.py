"""The suite itself: nothing of it is left out unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SKIPS = {
    "skip": "import pytest\ndef test_it(): pytest.skip('a reason')",
    "mark": "import pytest\n@pytest.mark.skipif(True, reason='a reason')\ndef test_it(): pass",
    "import": "import pytest\ndef test_it(): pytest.importorskip('no_such_module', reason='a reason')",
    "module": "import pytest\npytest.skip('a reason', allow_module_level=True)\ndef test_it(): pass",
}


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_fails_in_ci(kind: str, ci: str, tmp_path: Path) -> None:
    shutil.copy(HERE / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(SKIPS[kind])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    run = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env=os.environ | {"CI": ci}, timeout=600, check=False
    )
    assert ("1 skipped" in run.stdout) is not bool(ci), run.stdout
    assert not ci or (run.returncode in (1, 2) and "a reason" in run.stdout), run.stdout
