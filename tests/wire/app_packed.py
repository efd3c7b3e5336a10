"""An application with a room whose lengths must tell nothing."""

from __future__ import annotations

import rtcore

app = rtcore.App()
app.rooms("unpacked:*", relay=True, compress=False)
app.rooms("relay:*", relay=True)
