"""Where a server listens: what a name has, what the machine has, and what is said where they differ."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from rtcore._serve.listeners import open_listeners
from rtcore.errors import ConfigError, StartError

# Of the documentation (RFC 3849, RFC 5737): no machine has them.
NOBODYS = (socket.AF_INET6, "2001:db8::1"), (socket.AF_INET, "192.0.2.1")


@contextmanager
def listening(*hosts: str, port: int = 0) -> Iterator[list[socket.socket]]:
    sockets = open_listeners(hosts, port)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def names(sockets: Sequence[socket.socket]) -> set[str]:
    """Where they listen, each on the same port."""
    assert len({each.getsockname()[1] for each in sockets}) == 1
    return {each.getsockname()[0] for each in sockets}


def answers(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        client.settimeout(30)
        return client.connect_ex((host, port)) == 0


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give `somewhere` some addresses."""
    known = socket.getaddrinfo

    def give(*addresses: tuple[int, str]) -> None:
        def look(host: str, port: int, **options: Any) -> Any:
            if host != "somewhere":
                return known(host, port, **options)
            return [
                (
                    family,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (address, port, 0, 0)[: 2 if family == socket.AF_INET else 4],
                )
                for family, address in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", look)

    return give


@pytest.fixture
def no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without IPv6."""
    real = socket.socket

    def make(family: int = socket.AF_INET, *rest: Any, **named: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest, **named)

    monkeypatch.setattr(socket, "socket", make)


def test_a_name_is_served_at_each_of_its_addresses_that_the_machine_has(name: Any) -> None:
    """`localhost` is ::1 too in a container without IPv6 (tornado#2274, docker/for-linux#1374)."""
    name(NOBODYS[0], (socket.AF_INET, "127.0.0.1"), NOBODYS[1])
    with listening("somewhere") as sockets:
        assert names(sockets) == {"127.0.0.1"}


def test_an_address_that_a_name_has_twice_is_served_once(name: Any) -> None:
    name((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.1"))
    with listening("somewhere", "127.0.0.1") as sockets:
        assert len(sockets) == 1


def test_a_name_without_any_address_of_this_machine_is_an_error(name: Any) -> None:
    name(*NOBODYS)
    with pytest.raises(StartError, match=r"port \d+ of 192\.0\.2\.1 cannot be used: Cannot assign"):
        open_listeners(["127.0.0.1", "somewhere"], 0)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 300, "a..b", "\udcff"])
def test_a_host_that_has_no_address_is_said(host: str) -> None:
    with pytest.raises(ConfigError, match="there is no address"):
        open_listeners([host], 0)


def test_all_is_all_there_are() -> None:
    with listening("::") as sockets:
        port = sockets[0].getsockname()[1]
        assert answers("127.0.0.1", port)
        assert answers("::1", port)


@pytest.mark.parametrize("ipv4", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize("turned", [False, True])
def test_all_beside_an_address_of_ipv4_leaves_that_to_it(ipv4: str, turned: bool) -> None:
    hosts = (ipv4, "::") if turned else ("::", ipv4)
    with listening(*hosts) as sockets:
        assert names(sockets) == {"::", ipv4}


@pytest.mark.usefixtures("no_ipv6")
def test_all_is_ipv4_where_there_is_nothing_else() -> None:
    with listening("::") as sockets:
        assert names(sockets) == {"0.0.0.0"}
    with listening("0.0.0.0", "::") as sockets:
        assert names(sockets) == {"0.0.0.0"}
    with pytest.raises(StartError, match="Address family not supported"):
        open_listeners(["::1"], 0)


def test_an_address_that_is_taken_is_an_error_though_others_are_free(name: Any) -> None:
    name((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2"))
    with listening("127.0.0.2") as sockets:
        port = sockets[0].getsockname()[1]
        with pytest.raises(StartError, match=rf"port {port} of 127\.0\.0\.2 is in use"):
            open_listeners(["somewhere"], port)


def test_a_free_port_is_one_that_is_free_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one that the system offers is taken at the second address: another one is asked for."""
    with listening("127.0.0.2") as taken:
        port = taken[0].getsockname()[1]
        real, offered = socket.socket.bind, []

        def bind(self: socket.socket, address: Any) -> None:
            if address == ("127.0.0.1", 0) and not offered:
                offered.append(port)
                address = ("127.0.0.1", port)
            real(self, address)

        monkeypatch.setattr(socket.socket, "bind", bind)
        with listening("127.0.0.1", "127.0.0.2") as sockets:
            assert offered
            assert names(sockets) == {"127.0.0.1", "127.0.0.2"}
            assert sockets[0].getsockname()[1] != port
