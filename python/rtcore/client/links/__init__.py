"""Transports: each carries messages over a Trio stream, and decides nothing."""
