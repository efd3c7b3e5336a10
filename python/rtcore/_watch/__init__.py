"""What a server sees of itself: figures, what is wrong, what to do about it."""
