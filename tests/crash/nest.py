"""Where servers come from: a process that has loaded everything, and forks one for each life.

Run as a script it reads a line of JSON for each server to start, and says a line of JSON for each that can be
reached, and one for each that has ended. A fork costs some hundredth of a second, a Python with rtcore in it
half a second: a thousand kills would take a quarter of an hour longer.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE


def main() -> None:
    """Fork a server for each line."""
    import rtcore._serve.program
    import rtcore.app  # noqa: F401
    from rtcore._engine import Core

    assert Core is not None
    for line in sys.stdin:
        wanted = json.loads(line)
        if wanted.get("wait"):
            tell({"ended": wanted["wait"], "status": status_of(wanted["wait"])})
            continue
        pid = os.fork()
        if pid == 0:
            serve(wanted)
        tell({"started": pid})


def serve(wanted: dict[str, Any]) -> None:
    """Be a server, to the end."""
    status = 1
    try:
        devnull = os.open(os.devnull, os.O_RDONLY)
        os.dup2(devnull, 0)
        log = os.open(wanted["log"], os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.dup2(log, 2)
        os.dup2(log, 1)
        faulthandler.enable(2)  # one that hangs is asked where its tasks stand, and aborted
        signal.signal(signal.SIGUSR2, tell_tasks)
        os.environ.update(wanted.get("env", {}))
        import trio

        import rtcore
        from tests.crash.app import app

        async def run() -> None:
            async with trio.open_nursery() as nursery:
                settings = {"port": 0, "data": wanted["data"], "limits": wanted.get("limits", {})}
                stop = rtcore.Stop()

                async def serving(task_status: trio.TaskStatus[Any]) -> None:
                    await rtcore.serve(app, stop=stop, task_status=task_status, **settings)

                addresses = await nursery.start(serving)
                reached(Path(wanted["here"]), addresses[0].port)

        trio.run(run)
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def reached(here: Path, port: int) -> None:
    """Say where it can be reached: whole, or not at all."""
    new = here.with_suffix(".new")
    new.write_text(str(port), encoding="ascii")
    new.rename(here)


def tell_tasks(*_: object) -> None:
    """Where each task of this server stands."""
    import trio

    left = [trio.lowlevel.current_root_task()]
    while left:
        task = left.pop()
        if task is None:
            continue
        print(f"task {task.name}:", file=sys.stderr)
        for frame, line in task.iter_await_frames():
            print(f"    {frame.f_code.co_filename}:{line} {frame.f_code.co_name}", file=sys.stderr)
        left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    sys.stderr.flush()


def status_of(pid: int) -> int:
    """Wait for its end; below 0: by a signal. One that does not end says where it stands, and is aborted."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGUSR2)
    time.sleep(0.5)
    os.kill(pid, signal.SIGABRT)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def tell(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
