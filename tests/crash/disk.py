"""Disks that are worse than this one's: they forget what was not synced, fail, are full, or hang.

`disk.c` stands between a server and the file system, for the files of one folder. `kill -9` alone cannot
find a missing fsync: what was written is in the kernel's memory, and lives on.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import struct
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).with_name("disk.c")
SECTOR: Final = 512
FAIL_SYNC, HANG_SYNC_MS, FAIL_WRITE, FULL, SHORT_WRITE, SYNCS, WRITES, LIE_SYNC, COUNT = range(9)


def can() -> bool:
    """Whether such a disk can be made here."""
    return os.uname().sysname == "Linux" and shutil.which("cc") is not None


class Disk:
    """One of them. `wish` says what is to go wrong from now on."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="rtcore-disk-"))
        self.library = self.folder / "disk.so"
        subprocess.run(
            ["cc", "-O1", "-shared", "-fPIC", "-o", str(self.library), str(SOURCE), "-ldl", "-lpthread"],
            check=True,
        )
        self.boot = self.folder / "boot"
        self.reboot()
        wishes = self.folder / "wishes"
        wishes.write_bytes(bytes(8 * COUNT))
        with wishes.open("r+b") as file:
            self._wishes = mmap.mmap(file.fileno(), 8 * COUNT)
        self.preload = {"LD_PRELOAD": str(self.library)}

    def env(self, data: Path, *, shadow: bool = False) -> dict[str, str]:
        """What a server is told, that lives in this folder."""
        told = {
            "RTCORE_DISK_FOLDER": str(data),
            "RTCORE_DISK_WISHES": str(self.folder / "wishes"),
            "RTCORE_DISK_BOOT": str(self.boot),
        }
        if shadow:
            shadow_of(data).mkdir(parents=True, exist_ok=True)
            told["RTCORE_DISK_SHADOW"] = str(shadow_of(data))
        return told

    def wish(self, what: int, value: int) -> None:
        """This is to happen."""
        struct.pack_into("q", self._wishes, 8 * what, value)

    def count(self, what: int) -> int:
        """What was counted, or is still wished for."""
        return int(struct.unpack_from("q", self._wishes, 8 * what)[0])

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        for what in (FAIL_SYNC, HANG_SYNC_MS, FAIL_WRITE, FULL, SHORT_WRITE):
            self.wish(what, 0)

    def reboot(self) -> None:
        """The machine was started again."""
        self.boot.write_text(f"{uuid.uuid4()}\n", encoding="ascii")

    def close(self) -> None:
        """No more of it."""
        self._wishes.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def shadow_of(data: Path) -> Path:
    """Where what is synced of a folder is kept."""
    return data.with_name(data.name + ".synced")


def forget(data: Path, dice: random.Random) -> None:
    """The machine stops: what was synced is there; of the rest some sectors, by chance, or none."""
    shadow = shadow_of(data)
    some = dice.choice([0.0, 0.0, 0.5, 0.9])
    for path in sorted(data.iterdir()):
        synced = shadow / path.name
        if not path.is_file():
            continue
        if not synced.exists():
            if path.name.endswith(("-wal", "-shm", "-journal")):
                path.unlink()  # its name was never synced
            continue
        now, then = path.read_bytes(), synced.read_bytes()
        if some:
            kept = bytearray(then.ljust(len(now), b"\0") if dice.random() < 0.5 else then)
            for at in range(0, min(len(now), len(kept)), SECTOR):
                if dice.random() < some:
                    kept[at : at + SECTOR] = now[at : at + SECTOR][: len(kept) - at]
            then = bytes(kept)
        path.write_bytes(then)
        synced.write_bytes(then)
