"""The form, placing an order, coming back from Stripe."""
