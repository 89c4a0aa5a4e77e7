"""The verdict on one claim of a summary, found by its words."""

from __future__ import annotations

from stages.core.claims import Summary


def verdict(summary: Summary, text: str) -> bool | None:
    """The `holds` of the one claim whose text contains `text`.

    Raises:
        LookupError: none does, or several do.
    """
    found = [claim.holds for claim in summary.claims if text in claim.claim]
    if len(found) != 1:
        raise LookupError(f"{len(found)} claims contain {text!r}")
    return found[0]
