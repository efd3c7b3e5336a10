"""One turn in Python: events of the core to the tasks of sessions, and what those decide back."""
