"""A small family of models, for `tests/test_family.py`: polynomials fitted to noisy samples of a sine."""

from pydantic import Field

from stages.core.spec import Spec, TrainingSpec


class Data(Spec):
    points: int = Field(ge=1, description="samples")
    data_seed: int = Field(ge=0, description="seed of the samples")


class Training(TrainingSpec):
    degree: int = Field(ge=0, description="of the polynomial")


class Measure(Spec):
    test_points: int = Field(ge=1)
