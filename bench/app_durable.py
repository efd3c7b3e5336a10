"""What `bench/durable.py` measures: relay rooms that are kept on disk, and one that is not."""

from __future__ import annotations

import rtcore

app = rtcore.App()
app.rooms("full:*", relay=True, durable=True)
app.rooms("normal:*", relay=True, durable="normal")
app.rooms("live:*", relay=True)
