"""Random load, `kill -9` at a random moment, start, resume: nothing acknowledged is lost."""
