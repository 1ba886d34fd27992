"""The gateway to Stripe, the webhook inbox, settling, refunds, disputes, reconciling."""
