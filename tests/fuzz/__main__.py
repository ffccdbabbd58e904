"""Command of `make fuzz`, which runs schemathesis on a separate local stack, for ten minutes by default.

python -m tests.fuzz [MINUTES]
"""

import sys

from local.stack import Stack, free_port
from tests.fuzz.run import fuzz


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with Stack("fuzz", free_port()) as stack:
        stack.add_user("fuzz", "USER")
        seconds = int(minutes * 60)
        token = stack.token_of("fuzz")
        done = fuzz(stack.url, token, ("--max-time", str(seconds)), timeout=seconds + 180)
        print(done.stdout)
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
