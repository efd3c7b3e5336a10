"""The transports of the core for requests that another ASGI server has read."""
