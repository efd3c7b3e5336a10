"""What serves the requests that are not rtcore's own: a real HTTP server, behind an interface."""
