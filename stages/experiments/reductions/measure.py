"""Nothing of its own; every listed feature and point is drawn, by the page's explorer."""

from __future__ import annotations

from stages.families.toy.measures import Own

OWN = Own()
