"""How work is done: within a time limit, by any number of workers, written down as it is finished."""

from exactformer.work.deadline import NEVER, Deadline, OutOfTime, time_limit
from exactformer.work.pool import Workers, spread
from exactformer.work.record import NoRoom, Record
from exactformer.work.work import ALONE, Status, Watch, Work, check_work

__all__ = [
    "ALONE",
    "NEVER",
    "NoRoom",
    "Deadline",
    "OutOfTime",
    "Record",
    "Status",
    "Watch",
    "Work",
    "Workers",
    "check_work",
    "spread",
    "time_limit",
]
