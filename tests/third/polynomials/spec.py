"""What a polynomial is made from."""

from pydantic import Field

from stages.core.spec import Spec


class Data(Spec):
    """Noisy samples of a sine."""

    points: int = Field(ge=1, description="samples")
    data_seed: int = Field(ge=0, description="seed of the samples")


class Training(Spec):
    """Least squares."""

    degree: int = Field(ge=0, description="of the polynomial")

    def check(self, data: Data) -> None:
        """Every degree goes with all data; of too few points training says so."""

    def parent(self, data: Data) -> None:
        """No polynomial starts from another."""


class Measure(Spec):
    """What is measured."""

    test_points: int = Field(ge=1)
