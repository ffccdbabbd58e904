"""Profiles of the property tests. HYPOTHESIS_PROFILE=long runs 20,000 examples per test instead of 300."""

import os

from hypothesis import HealthCheck, settings

_ALWAYS = {"deadline": None, "suppress_health_check": list(HealthCheck)}

settings.register_profile("quick", max_examples=300, **_ALWAYS)
settings.register_profile("long", max_examples=20_000, **_ALWAYS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
