"""How long property tests go on looking: HYPOTHESIS_PROFILE=long for many times longer."""

import os

from hypothesis import HealthCheck, settings

_ALWAYS = {"deadline": None, "suppress_health_check": list(HealthCheck)}

settings.register_profile("quick", max_examples=300, **_ALWAYS)
settings.register_profile("long", max_examples=20_000, **_ALWAYS)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
