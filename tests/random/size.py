"""How much is tried, and which of all possible tries.

RANDOM_OPERATIONS says about how many operations each test does. RANDOM_SEED repeats the operations
of an earlier run; every run prints its own.
"""

import os
import random

SEED = int(os.environ.get("RANDOM_SEED") or random.SystemRandom().randrange(2**32))


def operations(usual: int) -> int:
    return int(os.environ.get("RANDOM_OPERATIONS") or usual)
