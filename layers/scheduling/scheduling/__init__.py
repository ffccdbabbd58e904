"""What all functions of the Sessions API share. docs/architecture.md says what lies where, and why."""

import gc

# What a function makes while it starts lives as long as it does: looking for garbage among it is in vain.
# `endpoint` switches it on again after the first answer.
gc.disable()
