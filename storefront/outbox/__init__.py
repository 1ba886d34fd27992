"""Messages that must go out once."""
