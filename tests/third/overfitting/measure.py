"""No numbers of its own."""

from types import SimpleNamespace

OWN = SimpleNamespace(shown=None)
