"""Python's garbage collector in a process that serves."""

import gc


def freeze_started() -> None:
    """Has the collector pass over all that there is by now: what a service imports and builds, and keeps to its end.

    A full collection looks at each object that it doesn't pass over, and nobody is answered meanwhile: 150,000 of them
    are there before the first request. Call it once the application is made, in the process that answers, and not in
    one that makes applications and throws them away.
    """
    gc.collect()
    gc.freeze()
