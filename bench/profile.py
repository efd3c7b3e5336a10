"""Where the time of a scene goes: perf beside the load, functions with their share."""

from __future__ import annotations

import shutil
import subprocess
import sys

from .run import play
from .scene import Scene
from .servers import ROOT, ours, running


def profile(scene: Scene) -> int:
    """Print it. The exit status."""
    if not shutil.which("perf"):
        print("a profile needs perf. On Debian:  apt-get install linux-perf", file=sys.stderr)
        return 1
    data = ROOT / "target" / "bench-perf.data"
    with running(ours()) as (pid, port):
        play(scene.load, pid, port, 1)
        recorder = subprocess.Popen(
            ["perf", "record", "-q", "-F", "2000", "-g", "-p", str(pid), "-o", str(data)],
            stderr=subprocess.DEVNULL,
        )
        figures = play(scene.load, pid, port, scene.seconds)
        recorder.terminate()
        recorder.wait()
    print(
        f"{scene.title}: {figures['cpu_us_per_message']:.2f} us CPU a message,"
        f" {figures['per_second']:.0f} a second\n"
    )
    shown = [
        "perf",
        "report",
        "-i",
        str(data),
        "--no-children",
        "-g",
        "none",
        "--percent-limit",
        "0.5",
        "--stdio",
    ]
    return subprocess.run(shown, stderr=subprocess.DEVNULL, check=False).returncode
