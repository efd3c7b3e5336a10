"""Measurements: the scenes of the README's table, against a bare epoll loop in the same minute."""
