"""A worker in a process of its own: it takes jobs of the site, and tells who waits for them, over plain HTTP.

    RTCORE_API_KEYS=... python worker.py [http://127.0.0.1:8000]

It needs nothing of rtcore. What it says carries a key, so that a worker that dies after it and is started
again tells the user once.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

SITE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
KEY = os.environ["RTCORE_API_KEYS"].partition(",")[0]


def post(path: str, body: dict[str, Any]) -> Any:
    """One request; its answer."""
    request = urllib.request.Request(  # noqa: S310 - the site's own address
        SITE + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        return json.load(answer)


def work() -> bool:
    """Do the next job, if there is one."""
    try:
        job = post("/jobs/next", {})
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return False
    report = f"All about {job['topic']}."  # this is where it would take its time
    post(
        "/live/rt/api/send",
        {
            "user": job["user"],
            "event": "report",
            "data": {"number": job["number"], "text": report},
            "key": f"report-{job['number']}",
        },
    )
    return True


if __name__ == "__main__":
    while True:
        if not work():
            time.sleep(0.5)
