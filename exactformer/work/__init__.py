"""How work is done: within a time limit, in processes that end when it ends."""

from exactformer.work.deadline import NEVER, Deadline, OutOfTime, time_limit
from exactformer.work.pool import spread

__all__ = ["NEVER", "Deadline", "OutOfTime", "spread", "time_limit"]
