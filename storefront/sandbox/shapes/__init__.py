"""Objects as Stripe shows them, with every field of API version 2026-10-28.endive that a shop can meet."""

API_VERSION = "2026-10-28.endive"
