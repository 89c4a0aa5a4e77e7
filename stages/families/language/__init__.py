"""Language models on passages of known texts: what of them is memorised."""
