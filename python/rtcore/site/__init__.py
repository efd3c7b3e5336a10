"""What the server answers itself over HTTP: health, metrics, the demonstration page."""
