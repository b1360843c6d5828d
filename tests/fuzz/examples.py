"""How many examples are tried, and that they are the same ones in every run."""

import os

from hypothesis import HealthCheck, Phase, settings


def bounded(usual: int) -> settings:
    """A test of hypothesis with `usual` examples, or as many as FUZZ_EXAMPLES says."""
    return settings(
        max_examples=int(os.environ.get("FUZZ_EXAMPLES") or usual),
        derandomize=True,
        database=None,
        deadline=None,
        # A request has its effect: what is tried again to make it smaller is another case.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
