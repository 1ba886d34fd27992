"""Carts, lines, the badge, delivery rates."""
