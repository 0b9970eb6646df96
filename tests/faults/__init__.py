"""The fault suite: the real chain on real servers, hurt at every place that has a name, and compared with an undisturbed run.

`python -m tests.faults` (`make faults`) runs the whole catalogue and prints a table; `test_faults.py` runs a bounded part.

The functions' own handlers run in worker processes that do what Lambda's poller does, without Lambda's supervisor, so that a
killed one is back in milliseconds. The market stands still while agents work and moves by fixed steps in between: the same
prices stand at the same decisions in each run, however long a fault takes to heal.
"""
