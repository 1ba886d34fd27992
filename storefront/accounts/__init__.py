"""People: registering, sign-in, sessions, addresses, what belongs to them, and what staff may do."""
