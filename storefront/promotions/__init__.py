"""Discount codes: what they take off, for whom they count, and since when."""
