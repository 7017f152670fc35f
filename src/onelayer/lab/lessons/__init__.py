"""The lessons, one folder each: the notebook, its experiment, and its prose in two languages."""
