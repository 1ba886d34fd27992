"""Credit packages and the append-only ledger of each account. Programs that sell something for credits call
`credits.ledger.spend`."""
