"""Every test run draws the same examples, and no test fails for its time."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

collect_ignore_glob = ["faults/*", "fuzz/*", "second_checker/*"]  # programs, which the tests beside them import
