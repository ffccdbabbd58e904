"""Profiles of the property tests.

Each run has the same 300 examples per test. HYPOTHESIS_PROFILE=long runs 20,000 new examples per test.
"""

import os

from hypothesis import HealthCheck, settings

_ALWAYS = {"deadline": None, "suppress_health_check": list(HealthCheck)}

settings.register_profile("quick", max_examples=300, derandomize=True, **_ALWAYS)
settings.register_profile("long", max_examples=20_000, derandomize=False, **_ALWAYS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
