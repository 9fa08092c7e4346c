"""Sets how hard Hypothesis tries: `HYPOTHESIS_PROFILE=soak` tries `SINKGRAPH_SOAK` times harder.

Failures of the default profile repeat, because its examples are drawn from a fixed seed; no profile
judges by time, since the machine is shared.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_UNTIMED = (HealthCheck.too_slow,)

settings.register_profile(
    "default",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=_UNTIMED,
)
_HARDER = float(os.environ.get("SINKGRAPH_SOAK") or 50)
settings.register_profile(
    "soak",
    max_examples=max(100, round(100 * _HARDER)),
    deadline=None,
    database=None,
    suppress_health_check=_UNTIMED,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
