"""Publish from another program: a cron job, a Django view, a shell script. The standard library is enough.

    RTCORE_API_KEYS=$API_KEY rtcore serve chat:app
    API_KEY=… python examples/publish.py room:tea chat:message '{"room":"room:tea","text":"milk?"}' key-1

With a key (the last word) the same may be tried again: it is said once.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from typing import Any

URL = os.environ.get("PUBLISH_URL", "http://127.0.0.1:8000")


def publish(room: str, event: str, data: Any = None, key: str | None = None) -> str:
    """The position of what was published. Raises RuntimeError with what the server says."""
    request = urllib.request.Request(  # noqa: S310 - a server of ours
        f"{URL}/rt/api/publish",
        data=json.dumps({"room": room, "event": event, "data": data, "key": key}).encode(),
        headers={"Authorization": f"Bearer {os.environ['API_KEY']}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["position"]
    except urllib.error.HTTPError as error:
        with error:
            fault = json.load(error)
        raise RuntimeError(f"{fault['code']}: {fault['message']}") from None


if __name__ == "__main__":
    room, event, *rest = sys.argv[1:]
    data = json.loads(rest[0]) if rest else None
    print(publish(room, event, data, rest[1] if len(rest) > 1 else None))
