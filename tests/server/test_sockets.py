"""Where a server listens: Unix sockets, sockets that others opened, ports that two servers share."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rtcore import Config, ConfigError, StartError
from rtcore._serve.inherited import activated, inherited
from rtcore._serve.unix import Name, listen_at
from rtcore._serve.where import listen
from rtcore.config import load

APP = "import rtcore\napp = rtcore.App()\n"
PATIENCE = 30


@contextmanager
def serving(folder: Path, *flags: str, **kwargs: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`rtcore serve` in that folder, and what it says that it serves."""
    (folder / "served.py").write_text(APP)
    process = subprocess.Popen(
        [sys.executable, "-m", "rtcore", "serve", "served:app", *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        **kwargs,  # type: ignore[call-overload]
    )
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def asked(caller: socket.socket, where: str | tuple[str, int]) -> str:
    """The status line of `/healthz`."""
    with caller:
        caller.settimeout(PATIENCE)
        caller.connect(where)
        caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return line_of(caller)


def line_of(caller: socket.socket) -> str:
    with caller.makefile() as answer:
        return answer.readline().strip()


def unix() -> socket.socket:
    return socket.socket(socket.AF_UNIX)


def test_a_unix_socket_is_served_and_goes_with_its_server(tmp_path: Path) -> None:
    path = tmp_path / "rt.sock"
    with serving(tmp_path, "--uds", str(path)) as (_, said):
        assert said == f"rtcore serves unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        assert asked(unix(), str(path)) == "HTTP/1.1 200"
    assert not path.exists()


def test_what_a_server_that_is_gone_has_left_is_taken_away(tmp_path: Path) -> None:
    path = str(tmp_path / "rt.sock")
    left = unix()
    left.bind(path)
    left.close()
    listen_at(path).close()


def test_a_path_at_which_somebody_answers_is_in_use(tmp_path: Path) -> None:
    path = str(tmp_path / "rt.sock")
    with listen_at(path), pytest.raises(StartError, match="is in use: something else listens there"):
        listen_at(path)


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(StartError, match="is no socket: it is left alone"):
        listen_at(str(path))
    assert path.read_text() == "data"


def test_a_path_that_cannot_be_made_is_said_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No such file"):
        listen_at(str(tmp_path / "missing" / "rt.sock"))
    with pytest.raises(StartError, match="too long"):
        listen_at(str(tmp_path / ("long" * 50)))


def test_the_file_of_a_server_that_followed_is_not_taken_away(tmp_path: Path) -> None:
    path = str(tmp_path / "rt.sock")
    listen_at(path).close()
    first = Name(path)
    with listen_at(path):  # it took the first one's file for what was left
        first.remove()
        assert Path(path).exists()


def test_a_descriptor_is_served_and_none_is_refused_between_two_servers(tmp_path: Path) -> None:
    """The socket outlives the server: who calls between two of them waits in the backlog, and is answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        where = listener.getsockname()
        flags = ("--fd", str(listener.fileno()))
        with serving(tmp_path, *flags, pass_fds=[listener.fileno()]) as (_, said):
            assert said == f"rtcore serves http://127.0.0.1:{where[1]}"
            assert "HTTP/1.1" in asked(socket.socket(), where)
        caller = socket.create_connection(where)
        with serving(tmp_path, *flags, pass_fds=[listener.fileno()]), caller:
            caller.settimeout(PATIENCE)
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert line_of(caller) == "HTTP/1.1 200"


def test_sockets_of_systemd_are_those_of_this_process_alone_and_are_named_once() -> None:
    environment = {"LISTEN_PID": "7", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "HOME": "/"}
    assert activated(environment, 8) == ()
    assert activated(environment, 7) == (3, 4)
    assert environment == {"HOME": "/"}
    for nonsense in ("", "0", "-1", "two", "²", "9999999"):
        assert activated({"LISTEN_PID": "7", "LISTEN_FDS": nonsense}, 7) == ()


def test_a_descriptor_that_is_no_listening_socket_is_refused_and_not_closed(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file, pytest.raises(StartError, match="cannot be listened on"):
        inherited([file.fileno()])
    with socket.socket() as deaf:
        with pytest.raises(StartError, match="is no listening stream socket"):
            inherited([deaf.fileno()])
        deaf.getsockname()  # it is still open


@pytest.mark.parametrize("given", ["0", "2", "-1", "three", "3,3", ""])
def test_descriptors_that_cannot_be_are_refused_where_they_are_said(given: str) -> None:
    with pytest.raises(ConfigError, match=r"fd is .*from 3 on"):
        Config.of(fd=given)


def test_two_ways_to_listen_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="uds and fd"):
        Config.of(uds="/tmp/a", fd=[3])
    with pytest.raises(ConfigError, match=r"port \(settings\) and uds \(settings\) both say where to listen"):
        Config.of(uds="/tmp/a", port=9000)
    with pytest.raises(ConfigError, match=r"host \(settings\) and fd \(settings\) both say where to listen"):
        Config.of(fd=[3], host=["::1"])
    file = tmp_path / "rtcore.toml"
    file.write_text("port = 9000\n")
    flag = {"RTCORE_UDS": "/tmp/a"}
    assert load({}, environment=flag, file=file).config.uds == "/tmp/a", "what is stronger counts, as ever"
    with pytest.raises(ConfigError, match=r"^--port and RTCORE_UDS both say"):
        load({"port": 8001}, environment=flag, file=file)
    with pytest.raises(ConfigError, match="reuse_port is about a port"):
        Config.of(uds="/tmp/a", reuse_port=True)


def test_two_servers_share_a_port_only_if_both_say_so() -> None:
    first = listen(Config.of(port=0, reuse_port=True), secure=False)
    try:
        port = first.addresses[0].port
        second = listen(Config.of(port=port, reuse_port=True), secure=False)
        second.close()
        with pytest.raises(StartError, match="is in use"):
            listen(Config.of(port=port), secure=False)
    finally:
        first.close()


def test_a_server_that_shares_its_port_leaves_it_to_the_next_one_at_once(tmp_path: Path) -> None:
    """Its clients are still being sent away, and who comes now is served by the one that follows."""
    with serving(tmp_path, "--port", "0", "--reuse-port") as (old, said):
        port = int(said.rpartition(":")[2])
        with serving(tmp_path, "--port", str(port), "--reuse-port"):
            old.send_signal(signal.SIGTERM)
            old.wait(PATIENCE)
            for _ in range(20):
                assert asked(socket.socket(), ("127.0.0.1", port)).endswith("200")
