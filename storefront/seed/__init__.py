"""The demo catalogue and a big synthetic one for load tests."""
