"""Looking through templates and styles for mistakes before anybody opens the page."""
