"""Script that imports a function as Lambda does, calls the function, and prints the cost as JSON.

`bench.cold` runs `start.py SPECIFICATION.json`. The function can import only the standard library and the packages in
the folders that the specification names.
"""

import gc
import json
import os
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location

with open(sys.argv[1], encoding="utf-8") as file:
    SPECIFICATION = json.load(file)

sys.path[:0] = SPECIFICATION["path"]
os.environ.update(SPECIFICATION["environment"])

spec = spec_from_file_location("handler", SPECIFICATION["handler"])
assert spec
assert spec.loader
module = module_from_spec(spec)
spec.loader.exec_module(module)


class Context:
    """The attributes of Lambda's context that the functions and their peers read."""

    function_name = "bench"
    function_version = "1"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench"
    aws_request_id = "1"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def read_peak_kilobytes() -> int:
    """Return the peak memory of this process in KiB. `getrusage` may return the peak of the parent."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def read_cpu_time() -> float:
    """Return the CPU time in seconds, and make valgrind write its number of instructions.

    `bench.cold` starts valgrind with the option `--dump-before=getpgrp`. So valgrind writes the number at each call
    of getpgrp.
    """
    os.getpgrp()
    return time.process_time()


WARMING_UP = 40
"""The largest number of calls before the measured warm calls.

In these calls, Python specializes its code, and caches fill.
"""

found = []
for event in SPECIFICATION["events"]:
    answer = module.lambda_handler(event, Context())
    cold = read_cpu_time()
    memory = read_peak_kilobytes()
    for _ in range(min(SPECIFICATION["warm_calls"], WARMING_UP)):
        module.lambda_handler(event, Context())
    gc.collect()  # otherwise, the next full collection would happen during the measured calls
    before = read_cpu_time()
    for _ in range(SPECIFICATION["warm_calls"]):
        module.lambda_handler(event, Context())
    warm = read_cpu_time() - before
    found.append({"answer": answer, "cold": cold, "warm": warm, "kilobytes": memory})
print(json.dumps(found, default=str))
