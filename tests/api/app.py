"""The application of these tests: rooms of each kind, and users by their token."""

from __future__ import annotations

import rtcore


def build() -> rtcore.App:
    app = rtcore.App()
    app.rooms("news", history=100)
    app.rooms("news:*", history=3)
    app.rooms("relay:*", relay=True)
    app.rooms("silent", presence=False)
    app.rooms("slow:*", policy="block", history=1, bytes=100_000)

    @app.authenticate
    def who(hello: rtcore.Hello) -> rtcore.User:
        return rtcore.User(hello.token) if hello.token else rtcore.ANONYMOUS

    return app
