"""The exit codes, which scripts rely on."""

from __future__ import annotations

PROVED, REFUTED, UNKNOWN, BAD_INPUT, REJECTED = 0, 1, 2, 3, 4
EXIT = {"proved": PROVED, "refuted": REFUTED, "unknown": UNKNOWN}
