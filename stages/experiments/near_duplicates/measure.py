"""Losses by what else is trained on, and how much each member of a family does for each other."""

from __future__ import annotations

from stages.families.language.measures import Own

OWN = Own(tables=("conditions", "influence"))
