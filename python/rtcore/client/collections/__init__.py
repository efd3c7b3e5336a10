"""Shared data at a client: collections of documents that stay the same everywhere, offline included."""
