"""Serving: what holds a server together, from its listeners to its end."""
