"""No numbers of its own."""

from stages.families.polynomials.measures import Own

OWN = Own()
