"""Making and checking what is published: the wheel and the source distribution."""
