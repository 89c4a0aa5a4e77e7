"""Handwritten digits: where they come from, a classifier, and the maximal dimensionality of its hidden vectors."""
