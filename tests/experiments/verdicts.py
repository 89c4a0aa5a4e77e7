"""The verdict on one claim of a summary, and the answer to one question, found by their words."""

from __future__ import annotations

from stages.claims import Finding, Part, Summary


def finding(summary: Summary, text: str) -> Finding:
    """What was found on the one claim or question whose text contains `text`.

    Raises:
        LookupError: none does, or several do.
    """
    texts = [(one.text, of) for one, of in summary.claims] + [(one.text, of) for one, of in summary.questions]
    found = [of for of_text, of in texts if text in of_text]
    if len(found) != 1:
        raise LookupError(f"{len(found)} claims and questions contain {text!r}")
    return found[0]


def verdict(summary: Summary, text: str) -> str:
    """The verdict on that claim."""
    return finding(summary, text).verdict


def part(summary: Summary, text: str, what: str) -> Part:
    """The one part of that finding whose words contain `what`."""
    (found,) = [part for part in finding(summary, text).parts if what in part.what]
    return found
