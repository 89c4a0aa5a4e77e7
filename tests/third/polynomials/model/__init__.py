"""A polynomial, by its coefficients."""

import numpy as np


def powers(x, degree):
    return np.vander(x, degree + 1)
