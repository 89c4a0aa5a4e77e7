"""A grid's cells: their keys, where trained ones are kept, and who trains the rest."""
