"""Products, variants, collections, search, stock."""
