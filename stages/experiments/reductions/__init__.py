"""Mean or sum over features, all else alike: the runs that the page's explorer shows."""

AXES = {"T", "reduction", "data_seed"}  # what its grid may sweep
