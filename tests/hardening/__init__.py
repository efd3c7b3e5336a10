"""Attacks on a real server, each by name, while a well-behaved pair talks beside them."""
