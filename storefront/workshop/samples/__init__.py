"""What the gallery's states show, made by the shop's own views from rows that no database ever held."""
