"""Specs of language models to build on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stages.families.language.data.spec import Data, Training
from tests.conftest import PARAMS

USUAL = PARAMS["language"] | PARAMS["scales"]["smoke"]["language"]


@pytest.fixture(scope="session")
def data() -> Callable[..., Data]:
    """A spec of documents at smoke scale, but for what the call says."""
    return lambda **changes: Data(**{name: USUAL[name] for name in Data.model_fields} | changes)


@pytest.fixture(scope="session")
def training() -> Callable[..., Training]:
    """A training spec at smoke scale, but for what the call says."""
    return lambda **changes: Training(**{name: USUAL[name] for name in Training.model_fields} | changes)
