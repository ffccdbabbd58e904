"""Deferral of garbage collection to the end of a cold start.

Most objects of a cold start live as long as the process, so a garbage collection would free almost nothing. Decision
record 0014 has the measurements.

Lambda sets the variable `AWS_LAMBDA_FUNCTION_NAME`. With this variable, the import of this module disables garbage
collection. Without the variable, the import has no effect.
"""

import gc
import os

if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.disable()


def resume_collection() -> None:
    """Resume garbage collection after the first response. Later collections ignore the objects of the cold start."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
