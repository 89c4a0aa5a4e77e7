"""Superposition, memorization and double descent: the pipeline's code, one DVC stage a module."""
