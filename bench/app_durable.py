"""What `bench/durable*.py` and `bench/restart.py` measure: relay rooms kept on disk, and one that is not.

Without presence: two thousand in one room would tell each other all the time who is there.
"""

from __future__ import annotations

import rtcore

app = rtcore.App()
app.rooms("full:*", relay=True, durable=True, presence=False)
app.rooms("normal:*", relay=True, durable="normal", presence=False)
app.rooms("live:*", relay=True, presence=False)
