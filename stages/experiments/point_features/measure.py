"""How well scores of one model tell what is memorised, and what is lost where something is taken out."""

from __future__ import annotations

from stages.families.language.measures import Own

OWN = Own(tables=("scores", "ablations"))
