"""Of the images, git keeps those whose memorisation is known, with every score and both halves' memorisation."""

from __future__ import annotations

from stages.experiments.memorization import SCORES, known
from stages.families.digits.measures import Own

OWN = Own(items=(*SCORES, "memorization_log", "memorization_even", "memorization_odd"), shown=known)
