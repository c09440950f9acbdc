"""Garbage collection in a process that answers."""

import gc


def spare_what_stays() -> None:
    """Has the collector leave out what is loaded by now, and stays as long as the process.

    To look through it took 150 ms after every 250 questions, in which none was worked on.
    """
    gc.collect()
    gc.freeze()
