"""Credit packages and the append-only ledger of each account."""
