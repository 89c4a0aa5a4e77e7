"""Errors that are for people."""

from __future__ import annotations


class UserError(Exception):
    """Something that a user can mend, said in one line; a stage ends with it and without a traceback."""
