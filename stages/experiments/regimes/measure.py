"""Nothing of its own: losses, dimensionalities and norms are measured of every model."""

from __future__ import annotations

from stages.families.toy.measures import Own

OWN = Own()
