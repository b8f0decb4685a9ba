"""How work is done: within a time limit, in processes that end when it ends."""

from exactformer.work.deadline import NEVER, Deadline, OutOfTime, time_limit
from exactformer.work.pool import processes, spread

__all__ = ["NEVER", "Deadline", "OutOfTime", "processes", "spread", "time_limit"]
