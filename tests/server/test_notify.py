"""What systemd hears of a server, and certificates that are read again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme

import rtcore
from rtcore._serve.certificates import Certificates
from rtcore._serve.notify import Notifier
from rtcore._serve.stop import Stop

PATIENCE = 30


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        yield manager


def notifier(manager: socket.socket, **more: str) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": manager.getsockname(), **more}, 7)


def test_each_change_is_a_datagram_of_lines(heard: socket.socket) -> None:
    told = notifier(heard)
    told.ready("serves here")
    told.reloading()
    told.stopping()
    assert heard.recv(999) == b"READY=1\nSTATUS=serves here"
    assert heard.recv(999).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
    assert heard.recv(999) == b"STOPPING=1"


def test_a_manager_that_is_gone_or_that_nobody_named_disturbs_nothing(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, 7).ready("serves here")
    Notifier({}, 7).ready("serves here")


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_the_one_of_this_process(
    heard: socket.socket, environment: dict[str, str], seconds: float | None
) -> None:
    assert notifier(heard, **environment).interval == seconds


async def test_the_watchdog_hears_twice_in_its_time(
    heard: socket.socket, autojump_clock: trio.testing.MockClock
) -> None:
    with trio.move_on_after(10):
        await notifier(heard, WATCHDOG_USEC="4000000").keep_alive()
    heard.setblocking(False)
    said = []
    while True:
        try:
            said.append(heard.recv(99))
        except BlockingIOError:
            break
    assert said == [b"WATCHDOG=1"] * 5


async def test_a_server_says_when_it_can_be_reached_and_when_it_ends(
    heard: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", heard.getsockname())
    stop = Stop()
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:

            async def serve(*, task_status: trio.TaskStatus[object]) -> None:
                await rtcore.serve(rtcore.App(), port=0, stop=stop, signals=False, task_status=task_status)

            addresses = await nursery.start(serve)
            stop.ask()
    assert heard.recv(999).decode() == f"READY=1\nSTATUS=serves {addresses[0]}"
    assert heard.recv(999) == b"STOPPING=1"


class Files:
    """A certificate in files, which another one can replace."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        self.renew()

    def renew(self) -> None:
        new = self.authority.issue_cert("localhost")
        new.private_key_pem.write_to_path(str(self.key))
        self.chain.write_bytes(b"".join(blob.bytes() for blob in new.cert_chain_pems))

    def certificates(self) -> Certificates:
        return Certificates(str(self.chain), str(self.key))


def served_by(certificates: Certificates, authority: trustme.CA) -> bytes:
    """The certificate that a client is shown."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(here, there, server_hostname="localhost")
    server = certificates.context.wrap_bio(there, here, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    shown = client.getpeercert(binary_form=True)
    assert shown is not None
    return shown


async def test_a_certificate_that_changed_is_read_again(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    files = Files(tmp_path)
    certificates = files.certificates()
    first = served_by(certificates, files.authority)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(certificates.watch)
        files.renew()
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert served_by(certificates, files.authority) != first


def test_one_that_cannot_be_used_is_told_and_the_old_one_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = Files(tmp_path)
    certificates = files.certificates()
    first = served_by(certificates, files.authority)
    files.chain.write_text("half of a certifi")
    assert not certificates.read_again()
    assert "the certificate of before stays in use" in caplog.text
    assert served_by(certificates, files.authority) == first
