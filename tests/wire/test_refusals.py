"""Refused before the upgrade: a status, and a code in JSON."""

from __future__ import annotations

import time

import pytest

from tests.patience import PATIENCE

from .client import Client, Response
from .conftest import Dial, Servers
from .server import Server

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
HOST = "Host: 127.0.0.1\r\n"


def ask(client: Client, request: str) -> Response:
    client.raw(request.encode("latin-1"))
    return client.read_response()


@pytest.fixture
def tcp(dial: Dial) -> Client:
    """A connection on which nothing was said."""
    return dial(upgrade=False)


def test_a_request_that_asks_for_no_upgrade_is_426(tcp: Client) -> None:
    answer = ask(tcp, f"GET /rt/ws HTTP/1.1\r\n{HOST}\r\n").refused(426, "UPGRADE_REQUIRED")
    assert (answer.get("upgrade") or "").lower() == "websocket"


def test_another_version_is_426_and_told_which(tcp: Client) -> None:
    answer = ask(tcp, f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE.replace('13', '12')}\r\n").refused(
        426, "UPGRADE_REQUIRED"
    )
    assert answer.get("sec-websocket-version") == "13"


@pytest.mark.parametrize(
    "head",
    [
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE.replace('dGhlIHNhbXBsZSBub25jZQ==', 'short')}",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "GET /rt/ws HTTP/1.1\r\n" + HOST + UPGRADE.split("Sec-WebSocket-Key")[0],
        f"GET /rt/ws HTTP/1.1\r\n{UPGRADE}",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}Host: other\r\n{UPGRADE}",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}Content-Length: 5\r\nContent-Length: 6\r\n",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}Content-Length: 5\r\n",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}X : y\r\n",
        f"GET /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}X: a\0b\r\n",
        f"GET  /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}",
        "nonsense\r\n",
    ],
)
def test_a_head_that_is_wrong_is_400(tcp: Client, head: str) -> None:
    ask(tcp, head + "\r\n").refused(400, "INVALID_MESSAGE")
    tcp.ended()


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE"])
def test_another_method_gets_no_upgrade(tcp: Client, method: str) -> None:
    tcp.raw(f"{method} /rt/ws HTTP/1.1\r\n{HOST}{UPGRADE}\r\n".encode())
    assert tcp.more(time.monotonic() + PATIENCE)
    status = int(bytes(tcp.buffer).split(b" ")[1])
    assert 400 <= status < 500


def test_connect_is_refused(tcp: Client) -> None:
    answer = ask(tcp, f"CONNECT example.org:443 HTTP/1.1\r\n{HOST}\r\n")
    assert answer.status in (405, 501)
    assert answer.json()["code"]


def test_a_head_that_is_too_long_is_refused_before_it_ends(tcp: Client) -> None:
    tcp.raw(f"GET /rt/ws HTTP/1.1\r\n{HOST}X: ".encode() + b"x" * (20 << 10))
    answer = tcp.read_response()
    assert answer.status in (413, 431)
    assert answer.json()["code"] == "TOO_LARGE"


def test_an_unknown_path_under_the_prefix_is_not_found(tcp: Client) -> None:
    answer = ask(tcp, f"GET /rt/unheard-of HTTP/1.1\r\n{HOST}\r\n").refused(404, "NOT_FOUND")
    assert answer.get("cache-control") == "no-store"


@pytest.mark.parametrize(
    "request_line", ["GET /rt/ws HTTP/1.1", "GET /rt/ HTTP/1.1", "GET /rt/ws?x=1 HTTP/1.1"]
)
def test_every_answer_under_the_prefix_is_not_stored(tcp: Client, request_line: str) -> None:
    assert ask(tcp, f"{request_line}\r\n{HOST}\r\n").get("cache-control") == "no-store"


def test_tls_on_a_plain_port_is_told_so(tcp: Client) -> None:
    tcp.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64))
    assert tcp.read_response().status == 400


def upgrade(dial: Dial, server: Server | None = None, path: str = "/rt/ws", **headers: str) -> Response:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    client = dial(server, path=path, headers=fields, protocols=[])
    assert client.response is not None
    return client.response


@pytest.fixture
def here(server: Server) -> str:
    """What the Host field says."""
    return "{}:{}".format(*server.address)


@pytest.mark.parametrize("path", ["/rt/ws", "/raw"])
def test_a_page_of_the_same_host_and_port_may_connect(dial: Dial, here: str, path: str) -> None:
    assert upgrade(dial, path=path, Origin=f"http://{here}").status == 101


@pytest.mark.parametrize("path", ["/rt/ws", "/raw"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://{here}.evil.example",
        "http://evil.example/{here}",
        "http://{here}@evil.example",
        "{here}",
    ],
)
def test_a_page_from_elsewhere_may_not(dial: Dial, here: str, path: str, origin: str) -> None:
    upgrade(dial, path=path, Origin=origin.format(here=here)).refused(403, "FORBIDDEN_ORIGIN")


def test_two_origins_are_refused(dial: Dial, here: str) -> None:
    client = dial(headers=[("Origin", f"http://{here}"), ("Origin", f"http://{here}")])
    assert client.response is not None
    client.response.refused(403, "FORBIDDEN_ORIGIN")


def test_no_origin_is_no_browser_and_may(dial: Dial) -> None:
    assert upgrade(dial).status == 101


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost", "http://localhost:80"),
        ("localhost:80", "http://localhost"),
        ("localhost", "https://localhost:443"),
        ("localhost:443", "https://localhost"),
        ("LOCALHOST", "http://localhost"),
        ("localhost", "https://localhost"),
    ],
)
def test_80_and_443_count_as_no_port(dial: Dial, host: str, origin: str) -> None:
    assert upgrade(dial, Host=host, Origin=origin).status == 101


@pytest.fixture
def configured(special: Servers) -> Server:
    """A server with an origin, a host and a proxy in its configuration."""
    options = ("--origin", "https://app.example", "--allow-host", "rt.example", "--proxy", "127.0.0.1")
    return special.start("app", *options)


def test_a_configured_origin_may_connect(dial: Dial, configured: Server) -> None:
    assert upgrade(dial, configured, Origin="https://app.example").status == 101
    assert upgrade(dial, configured, Origin="http://app.example").status == 403
    assert upgrade(dial, configured, Origin="https://app.example:8443").status == 403
    assert upgrade(dial, configured, Origin="https://evil.example").status == 403


def test_options_are_answered_for_a_configured_origin(dial: Dial, configured: Server) -> None:
    tcp = dial(configured, upgrade=False)
    answer = ask(
        tcp,
        f"OPTIONS /rt/session HTTP/1.1\r\n{HOST}Origin: https://app.example\r\n"
        "Access-Control-Request-Method: POST\r\n"
        "Access-Control-Request-Headers: authorization, content-type\r\n\r\n",
    )
    assert answer.status in (200, 204)
    assert answer.get("access-control-allow-origin") == "https://app.example"
    assert answer.get("access-control-allow-credentials") == "true"
    assert "post" in (answer.get("access-control-allow-methods") or "").lower()
    assert "authorization" in (answer.get("access-control-allow-headers") or "").lower()


def test_options_of_a_foreign_origin_are_not_allowed(dial: Dial, configured: Server) -> None:
    tcp = dial(configured, upgrade=False)
    answer = ask(tcp, f"OPTIONS /rt/session HTTP/1.1\r\n{HOST}Origin: https://evil.example\r\n\r\n")
    assert answer.status == 403
    assert answer.get("access-control-allow-origin") is None


def test_a_refusal_can_be_read_by_a_page_of_a_configured_origin(dial: Dial, configured: Server) -> None:
    tcp = dial(configured, upgrade=False)
    answer = ask(tcp, f"GET /rt/ws HTTP/1.1\r\n{HOST}Origin: https://app.example\r\n\r\n").refused(
        426, "UPGRADE_REQUIRED"
    )
    assert answer.get("access-control-allow-origin") == "https://app.example"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "localhost:1", "[::1]", "[::1]:8000"]
)
def test_on_loopback_loopback_names_are_taken(dial: Dial, host: str) -> None:
    assert upgrade(dial, Host=host).status == 101


@pytest.mark.parametrize("path", ["/rt/ws", "/raw"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "192.168.0.1"]
)
def test_on_loopback_no_other_name_is_taken(dial: Dial, path: str, host: str) -> None:
    """DNS rebinding: a page's own name that points to 127.0.0.1."""
    assert upgrade(dial, path=path, Host=host, Origin=f"http://{host}").status == 403


def test_a_configured_name_is_taken(dial: Dial, configured: Server) -> None:
    assert upgrade(dial, configured, Host="rt.example").status == 101
    assert upgrade(dial, configured, Host="evil.example").status == 403


def address(dial: Dial, server: Server | None, *headers: tuple[str, str]) -> str:
    return str(dial(server, headers=headers).hello().emit("whoami")["address"])


def test_forwarded_addresses_are_believed_through_configured_proxies_only(
    dial: Dial, configured: Server, special: Servers
) -> None:
    assert address(dial, None, ("X-Forwarded-For", "203.0.113.9")) == "127.0.0.1"
    assert address(dial, None, ("Forwarded", "for=203.0.113.9")) == "127.0.0.1"
    assert address(dial, configured, ("X-Forwarded-For", "203.0.113.9")) == "203.0.113.9"
    # Which fields are believed is a setting: the usual proxies let this one through as a client wrote it.
    assert address(dial, configured, ("Forwarded", "for=203.0.113.9;proto=https")) == "127.0.0.1"
    standard = special.start("app", "--proxy", "127.0.0.1", "--forwarded", "forwarded")
    assert address(dial, standard, ("Forwarded", "for=203.0.113.9;proto=https")) == "203.0.113.9"
    assert address(dial, standard, ("Forwarded", 'for="[2001:db8::7]:4711"')) == "2001:db8::7"
    assert address(dial, standard, ("X-Forwarded-For", "203.0.113.9")) == "127.0.0.1"
    # What a client claims itself stands to the left of what the proxy saw.
    assert address(dial, configured, ("X-Forwarded-For", "198.51.100.1, 203.0.113.9")) == "203.0.113.9"
    assert address(dial, configured, ("X-Forwarded-For", "203.0.113.9, 127.0.0.1")) == "203.0.113.9"
    assert address(dial, configured) == "127.0.0.1"
