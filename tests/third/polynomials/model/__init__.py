from numpy import polyval as predict  # noqa: F401
