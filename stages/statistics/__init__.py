"""Measures and laws that belong to no one family of models: arrays and tables in, numbers out."""
