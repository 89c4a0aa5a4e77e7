"""Every document, and some of them token by token, for passages to be printed."""

from __future__ import annotations

from stages.families.language.measures import Own

OWN = Own(tables=("tokens",))
