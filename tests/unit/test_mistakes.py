"""What nobody should write, for each setting and limit: one line says what would be right, with status 2."""

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rtcore._config.environment import is_link
from rtcore._config.settings import LIMIT_SETTINGS, SETTINGS
from rtcore._ground.numbers import LIMIT_RANGES
from rtcore.cli import main
from rtcore.config import load

TEXTS = {
    "empty": "",
    "white space": " \t ",
    "no UTF-8": "\udcff\udcfe",
    "a line break": "a\nb",
    "NUL": "a\0b",
    "a unit that nobody knows": "10 parsec",
    "negative": "-1",
    "huge": "9" * 5000,
    "huge with a unit": "9" * 400 + " s",
    "a number that is none": "1__0",
    "infinite": "inf",
    "of another writing system": "١٢",
}
# What names something is looked at when it is used, and most texts are names.
NAMES = {
    "mount": ("empty", "white space", "no UTF-8"),
    "certificate": ("empty", "white space"),
    "data": ("empty", "white space"),
    "key": ("empty", "white space"),
    "uds": ("empty", "white space"),
    "host": ("empty", "white space", "no UTF-8", "a line break", "a unit that nobody knows"),
    "hosts": ("empty", "white space", "no UTF-8", "a line break", "a unit that nobody knows"),
    "api_keys": ("empty", "white space", "no UTF-8", "a line break", "a unit that nobody knows"),
}
# No environment can hold a NUL.
WRONG = [
    (setting.name, what)
    for setting in SETTINGS
    for what in NAMES.get(setting.name, tuple(TEXTS))
    if "\0" not in TEXTS[what]
]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def rtcore(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ("config", *words), env=environment)


def one_line(result: Result) -> str:
    """The line that a mistake is answered with."""
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    lines = result.output.splitlines()
    assert len(lines) == 1, result.output
    assert lines[0].startswith("Error: ")
    assert len(lines[0]) < 1000
    return lines[0]


@pytest.mark.parametrize("what", TEXTS)
@pytest.mark.parametrize("limit", [setting.name for setting in LIMIT_SETTINGS])
def test_a_limit_refuses_in_one_line(limit: str, what: str) -> None:
    said = one_line(rtcore("--limit", f"{limit}={TEXTS[what]}"))
    assert limit in said
    least, most = LIMIT_RANGES[limit]
    assert f"from {least:,} to {most:,}" in said


@pytest.mark.parametrize("limit", [setting.name for setting in LIMIT_SETTINGS])
def test_a_limit_says_its_range_and_takes_its_ends(limit: str) -> None:
    least, most = LIMIT_RANGES[limit]
    others: tuple[str, ...] = ()
    top = most
    if limit in {"ping_ms", "silence_ms"}:  # together they may be no longer than the window
        top, others = most - 60_000, ("--limit", f"resume_ms={most}")
    elif limit == "resume_ms":
        least, others = 1, ("--limit", "ping_ms=0", "--limit", "silence_ms=1")
    for value in (least, top):
        assert rtcore("--limit", f"{limit}={value}", *others).exit_code == 0
    assert f" to {most:,}" in one_line(rtcore("--limit", f"{limit}={most + 1}"))


@pytest.mark.parametrize(("name", "what"), WRONG)
def test_a_setting_refuses_in_one_line(name: str, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"RTCORE_{name.upper()}"
    monkeypatch.setenv(variable, TEXTS[what])
    said = one_line(rtcore())
    assert said.startswith(f"Error: {variable}: {name} is ")
    if not TEXTS[what].strip():
        assert "leave it out for the default" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--port", "1", "--port", "2"), "--port is given 2 times, and counts once: '1' and '2'"),
        (("--limit", "acks=1", "--limit", "acks=2"), "--limit acks is given twice, and counts once"),
        (("--host", "::1", "--host", "::1"), "'::1' is there twice"),
        (("--limit", "=1"), "write it as --limit NAME=VALUE"),
        (("--host", "http://localhost"), "no scheme, no port"),
        (("--host", "localhost:8000"), "no scheme, no port"),
        (("--host", "[::1]:8000"), "no scheme, no port"),
        (("--origin", "app.example"), "is no origin, like https://example.org"),
        (("--origin", "https://app.example/path"), "is no origin"),
        (("--allow-host", "https://app.example"), "is no host, like example.org"),
        (("--proxy", "10.0.0.0/33"), "10.0.0.0/33"),
        (("--proxy", "proxy.example"), "proxy.example"),
        (("--linger", "1 s"), "from 0 to 10,000 us"),
        (("--http-connections", "0"), "from 1 to 1,000,000"),
        (("--config", "nowhere.toml"), "nowhere.toml cannot be read: No such file or directory"),
        (("--config", "."), "cannot be read: Is a directory"),
        (("--config", ""), "cannot be read"),
    ],
)
def test_a_flag_refuses_in_one_line(words: tuple[str, ...], says: str) -> None:
    assert says in one_line(rtcore(*words))


def test_brackets_are_how_an_address_stands_in_a_url() -> None:
    shown = rtcore("--host", "[::1]", "--host", "[::]", "--set-only").output
    assert 'host = ["::1","::"]' in shown


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"port = 1\nport = 2\n", "is not TOML"),
        (b"port 8000\n", "is not TOML"),
        (b"# caf\xe9\nport = 1\n", "line 1 holds the byte 0xe9"),
        ("port = 1\n".encode("utf-16"), "is UTF-16, and must be UTF-8"),
        ("port = 1\n".encode("utf-32"), "is UTF-32, and must be UTF-8"),
        (b"port = " + b"9" * 5000, "cannot be read as TOML"),
        (b"port = 0x" + b"f" * 5000, "a number of thousands of digits"),
        (b"port = inf\n", "port is inf"),
        (b"port = 8000.0\n", "port is 8000.0"),
        (b"port = 2026-11-26\n", "port is datetime.date"),
        (b"[port]\nport = 1\n", "port is {'port': 1}"),
        (b"limits = 7\n", "limits is 7, and must be a table"),
        (b"[[limits]]\nacks = 1\n", "must be a table"),
        (b"x = " + b"[" * 20_000, "is "),
        (b"#" * (1 << 21), "is longer than 1,048,576 bytes"),
        (b'"po\\nrt" = 1\n', "there is no setting 'po\\nrt'"),
        (b'certificate = ""\n', "certificate is ''"),
    ],
)
def test_a_file_refuses_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "rtcore.toml").write_bytes(content)
    said = one_line(rtcore())
    assert "rtcore.toml" in said
    assert says in said


def test_the_usual_file_is_read_or_refused_but_never_passed_over(tmp_path: Path) -> None:
    """A directory, a link to nowhere, a file of another: it is there, so it was meant."""
    usual = tmp_path / "rtcore.toml"
    usual.mkdir()
    assert "rtcore.toml cannot be read: Is a directory" in one_line(rtcore())
    usual.rmdir()
    usual.symlink_to(tmp_path / "nowhere")
    assert "rtcore.toml cannot be read: No such file or directory" in one_line(rtcore())
    usual.unlink()
    usual.write_text("port = 9000")
    usual.chmod(0)
    if not os.access(usual, os.R_OK):
        assert "rtcore.toml cannot be read: Permission denied" in one_line(rtcore())


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_file_is_read_as_an_editor_leaves_it(tmp_path: Path, mark: bytes, end: bytes) -> None:
    (tmp_path / "rtcore.toml").write_bytes(mark + b"port = 9000" + end)
    assert "port = 9000  # rtcore.toml" in rtcore("--set-only").output


def test_what_kubernetes_and_docker_set_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Service named `rtcore` must not stop the pods beside it (Rocket#411, open-feature-operator#431)."""
    for service in ("RTCORE", "RTCORE_REDIS", "RTCORE_LIMITS", "RTCORE_LIMITS_PING", "RTCORE_2"):
        for name, value in {
            "SERVICE_HOST": "10.43.7.9",
            "SERVICE_PORT": "8000",
            "SERVICE_PORT_HTTP": "8000",
            "PORT": "tcp://10.43.7.9:8000",
            "PORT_8000_TCP": "tcp://10.43.7.9:8000",
            "PORT_8000_TCP_PROTO": "tcp",
            "PORT_8000_TCP_PORT": "8000",
            "PORT_8000_TCP_ADDR": "10.43.7.9",
            "PORT_53_UDP": "udp://10.43.7.9:53",
            "PORT_53_UDP_ADDR": "10.43.7.9",
            "PORT_36412_SCTP_PROTO": "sctp",
            "NAME": "/web/rtcore",
            "ENV_PATH": "/bin",
        }.items():
            monkeypatch.setenv(f"{service}_{name}", value)
    shown = rtcore()
    assert shown.exit_code == 0, shown.output
    assert "port = 8000  # default" in shown.output
    assert "RTCORE_PORT is not read: Kubernetes or Docker set it" in shown.output
    monkeypatch.setenv("RTCORE_PORT", "9000")
    assert "port = 9000  # RTCORE_PORT" in rtcore("--set-only").output
    monkeypatch.setenv("RTCORE_PROT", "9000")
    assert "nothing is set by RTCORE_PROT; did you mean 'RTCORE_PORT'?" in one_line(rtcore())


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("RTCORE_LIMIT_PING_MS", "RTCORE_LIMITS_PING_MS"),
        ("RTCORE_PING_MS", "RTCORE_LIMITS_PING_MS"),
        ("RTCORE_LIMITS_PING", "RTCORE_LIMITS_PING_MS"),
        ("RTCORE_ACKS", "RTCORE_LIMITS_ACKS"),
        ("RTCORE_LIMITS_ORIGINS", "RTCORE_ORIGINS"),
        ("RTCORE_LOGLEVEL", "RTCORE_LOG_LEVEL"),
        ("RTCORE_API_KEY", "RTCORE_API_KEYS"),
    ],
)
def test_a_slip_in_a_variable_is_told_the_nearest_of_all(
    slip: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settings and limits alike: `RTCORE_LIMIT_PING_MS` was told of `RTCORE_LINGER`."""
    monkeypatch.setenv(slip, "1")
    assert f"nothing is set by {slip}; did you mean {meant!r}?" in one_line(rtcore())


def test_an_env_file_is_read_as_an_editor_leaves_it() -> None:
    """Docker takes the mark of its first line into a name, and the carriage returns into the values."""
    loaded = load({}, environment={"\ufeffRTCORE_PORT": "9000\r", "RTCORE_HOST": "::1\r"}, file=None)
    assert (loaded.config.port, loaded.config.host) == (9000, ("::1",))


def test_no_setting_has_a_name_that_kubernetes_gives() -> None:
    for setting in SETTINGS:
        assert not is_link(f"RTCORE_{setting.name.upper()}", "x")
    for setting in LIMIT_SETTINGS:
        assert not is_link(f"RTCORE_LIMITS_{setting.name.upper()}", "x")
