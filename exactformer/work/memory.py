"""A ceiling for the memory of a process."""

from __future__ import annotations

import sys

try:
    import resource
except ImportError:  # no POSIX system
    resource = None  # type: ignore[assignment]


def limit_memory(size: int | None) -> None:
    """Let this process take no more than so many bytes: what needs more raises `MemoryError`. None: no limit.

    It is the memory that the process has asked for, data and heap, not files and programs that it has mapped. Only
    Linux counts that; elsewhere there is no such limit.
    """
    if size is not None and resource is not None and sys.platform == "linux":
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (size if most < 0 else min(size, most), most))
