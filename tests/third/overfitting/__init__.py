"""Do polynomials of more coefficients than the samples can tell lose more on the sine?"""

AXES = {"points", "degree", "data_seed"}
