"""Deferral of garbage collection to the end of a cold start.

Objects made during a cold start live as long as the function, so a collection finds nothing to free. Decision
record 0014 has the gain.

Importing this module stops collections, on Lambda only: tools, tests and `get_docs` keep them.
"""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()


def resume_collection() -> None:
    """Resume garbage collection after the first answer. Later collections ignore the objects of the cold start."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
