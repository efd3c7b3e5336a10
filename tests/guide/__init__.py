"""The code of the documentation, run: each block of each page does what the page says."""
