"""What may be set, and how it is read: the table, and the file and the environment that name its rows."""
