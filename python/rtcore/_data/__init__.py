"""Data of the application by its types: to JSON and MessagePack, and back, and what is wrong with them."""
