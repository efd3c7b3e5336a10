"""The command line: what it says, and how it fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rtcore import JWT
from rtcore.cli import main
from rtcore.cli.connect import _text
from rtcore.cli.words import shown, value_of


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def rtcore(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, words, env=environment)


@pytest.mark.parametrize("command", [(), ("serve",), ("demo",), ("config",), ("token",)])
def test_help_teaches_by_example(command: tuple[str, ...]) -> None:
    result = rtcore(*command, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output


def test_version() -> None:
    assert rtcore("--version").output.startswith("rtcore, version ")


def test_config_shows_values_and_where_they_are_from(tmp_path: Path) -> None:
    (tmp_path / "rtcore.toml").write_text("[limits]\nacks = 12\n")
    result = rtcore("config", "--set-only", "--json", "--port", "9000", RTCORE_LIMITS_PING_MS="10 s")
    assert json.loads(result.output) == {
        "port": {"value": 9000, "source": "--port"},
        "limits.ping_ms": {"value": 10_000, "source": "RTCORE_LIMITS_PING_MS"},
        "limits.acks": {"value": 12, "source": "rtcore.toml"},
    }
    assert "port = 9000  # --port" in rtcore("config", "--port", "9000").output


def test_a_named_file_is_read_instead_of_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "rtcore.toml").write_text("port = 1")
    (tmp_path / "other.toml").write_text("port = 2")
    result = rtcore("config", "--config", "other.toml", "--set-only")
    assert "port = 2  # other.toml" in result.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("config", "--limit", "pingms=1"), "did you mean 'ping_ms'"),
        (("config", "--limit", "ping_ms"), "write it as --limit ping_ms=VALUE"),
        (("config", "--port", "x"), "must be a whole number"),
        (("serve", "nowhere:app"), "there is no module 'nowhere', seen from "),
        (("serve", "nowhere"), "write it as module:name; did you mean nowhere:app?"),
        (("serve", "my.py:app"), "is a file; name the module: my:app"),
        (("serve", "my:apq"), "there is no 'apq' in my; did you mean 'app'?"),
        (("serve", "my:other"), "is no rtcore.App but int"),
        (("serve", "my:app", "--mount", "my:other"), "is no ASGI application"),
        (("serve", "my:app", "--mount", "my:route"), "does not take (scope, receive, send)"),
        (("serv", "my:app"), "there is no command 'serv'; did you mean 'serve'?"),
        (("xyzzy",), "there is no command 'xyzzy'; there are backup, config, "),
    ],
)
def test_mistakes_end_with_a_sentence(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    (tmp_path / "my.py").write_text("import rtcore\napp = rtcore.App()\nother = 7\ndef route(a): ...\n")
    sys.modules.pop("my", None)
    result = rtcore(*words)
    assert result.exit_code == 2
    assert says in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("serve", "broken:app"), "ZeroDivisionError"),
        (("serve", "lacking:app"), "No module named 'nowhere_at_all'"),
    ],
)
def test_what_a_module_raises_is_shown_with_its_traceback(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    (tmp_path / "broken.py").write_text("app = 1 / 0\n")
    (tmp_path / "lacking.py").write_text("import nowhere_at_all\n")
    for name in ("broken", "lacking"):
        sys.modules.pop(name, None)
    result = rtcore(*words)
    assert result.exit_code == 1
    assert says in result.output
    assert "importlib" not in result.output


def test_config_hides_keys(tmp_path: Path) -> None:
    (tmp_path / "rtcore.toml").write_text('[[api_keys]]\nkey = "s3cret-in-a-file"\nname = "cron"\nrate = 5\n')
    shown = rtcore("config", "--set-only", "--json")
    assert json.loads(shown.output)["api_keys"] == {
        "source": "rtcore.toml",
        "value": [
            {
                "name": "cron",
                "key": "(hidden)",
                "rooms": ["*"],
                "operations": ["publish", "send", "history", "presence", "disconnect", "watch"],
                "rate": 5.0,
                "burst": 5,
            }
        ],
    }
    for result in (
        rtcore("config"),
        rtcore("config", "--api-key", "s3cret-one", "--api-key", "s3cret-two"),
        rtcore("config", "--api-key", "s3cret with a space"),
        rtcore("config", RTCORE_API_KEYS="s3cret,s3cret"),
    ):
        assert "s3cret" not in result.output
    assert "api_keys" in rtcore("config", "--api-key", "s3cret").output


def test_a_token_is_one_that_the_server_takes(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef\n")
    words = ("token", "ann", "--secret-file", "secret", "--seconds", "60", "--audience", "shop")
    result = rtcore(*words, "--claim", "roles=[1]", "--claim", "name=Ann")
    check = JWT(secret, ["HS256"], audience="shop")
    claims = check.verify(result.output.strip())
    assert (claims["sub"], claims["roles"], claims["name"]) == ("ann", [1], "Ann")
    assert claims["exp"] == claims["iat"] + 60
    assert "has no value" in rtcore(*words, "--claim", "x").output
    deep = rtcore(*words, "--claim", "x=" + "[" * 5_000, "--claim", "y=1e400")
    assert check.verify(deep.output.strip())["y"] == "1e400"
    secret.write_text("short")
    assert "5 bytes, and 32 are needed" in rtcore(*words).output


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("x", "x"), ("NaN", "NaN"), ("1e400", "1e400"), ("[" * 50_000, "[" * 50_000)],
)
def test_data_is_json_or_the_text_as_it_is(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize("seconds", ["nan", "-1", "inf", "x"])
@pytest.mark.parametrize(
    "words", [("publish", "http://127.0.0.1:1", "a", "b", "--timeout"), ("doctor", "x", "--idle")]
)
def test_a_time_that_is_none_is_refused_in_a_line(words: tuple[str, ...], seconds: str) -> None:
    result = rtcore(*words, seconds)
    assert result.exit_code == 2
    assert "is no number of seconds" in result.output


def test_what_a_peer_said_moves_no_cursor() -> None:
    assert shown("a\x1b[2J\x9b2J\n\ud83d") == "a\\x1b[2J\\x9b2J\\n\\ud83d"
    assert _text({"a": "\x9b2J\u202e"}) == '{"a": "\\u009b2J\\u202e"}'


def test_a_server_begins_without_what_only_some_requests_need() -> None:
    """Each of them takes a hundredth of the start or more."""
    spared = (
        "asyncio",
        "email",
        "http.client",
        "importlib.resources",
        "urllib.request",
        "multiprocessing.pool",
    )
    looked = (
        f"import sys, rtcore.cli, rtcore._serve.program; print([m for m in {spared} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", looked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
