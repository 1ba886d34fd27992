"""Orders, lines, states, timeline, shipments."""
