"""A third family of models, for `tests/test_family.py`: polynomials fitted to noisy samples of a sine."""
