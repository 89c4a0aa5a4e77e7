"""Every document's memorisation by blocks of its tokens."""

from __future__ import annotations

from stages.families.language.measures import Own

OWN = Own(tables=("blocks",))
