"""One suite of promises, run over every transport by clients that share no code with the server."""
