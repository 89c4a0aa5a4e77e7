"""Random numbers that belong to a text."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(spec: str) -> np.random.Generator:
    """A stream of its own for every text, the same on every machine."""
    words = np.frombuffer(hashlib.sha256(spec.encode()).digest(), dtype="<u4")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(words.tolist())))
