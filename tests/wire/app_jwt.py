"""The same application, whose peers bring tokens that somebody signed."""

from __future__ import annotations

import app as plain

import rtcore

app = plain.app
app.authenticate(rtcore.JWT(b"a secret of the tests that is long enough", ["HS256"]))
