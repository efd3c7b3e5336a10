"""The configuration: from a file, the environment and flags alike."""

from pathlib import Path

import pytest

from rtcore._config.core import core_settings
from rtcore.config import Config, load
from rtcore.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    file = folder / "rtcore.toml"
    file.write_text(text)
    return file


def test_defaults() -> None:
    config = Config.of()
    assert (config.host, config.port, config.mount) == (("127.0.0.1",), 8000, None)
    assert config.limit("ping_ms") == 25_000
    assert config.grace == 10.0


def test_flags_come_before_the_environment_before_the_file_before_defaults(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        host = ["::1"]
        port = 1001
        log_level = "debug"
        [limits]
        acks = 7
        ping_ms = "1 s"
        max_head = "1 KiB"
        """,
    )
    environment = {"RTCORE_PORT": "1002", "RTCORE_LIMITS_PING_MS": "2 s", "RTCORE_LIMITS_MAX_HEAD": "2 KiB"}
    loaded = load({"port": 1003, "limits": {"ping_ms": "3s"}}, environment=environment, file=file)
    config = loaded.config
    assert (config.host, config.port, config.log_level, config.key) == (("::1",), 1003, "debug", None)
    assert (config.limit("ping_ms"), config.limit("max_head"), config.limit("acks")) == (3000, 2048, 7)
    sources = {name: source for name, _, source, _ in loaded.rows()}
    assert sources["host"] == "rtcore.toml"
    assert sources["port"] == "--port"
    assert sources["key"] == "default"
    assert sources["limits.ping_ms"] == "--limit"
    assert sources["limits.max_head"] == "RTCORE_LIMITS_MAX_HEAD"
    assert sources["limits.acks"] == "rtcore.toml"


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("ping_ms", 25_000, 25_000),
        ("ping_ms", "25000", 25_000),
        ("ping_ms", "25 s", 25_000),
        ("ping_ms", "25s", 25_000),
        ("ping_ms", "0.5 min", 30_000),
        ("ping_ms", "1.5s", 1_500),
        ("key_ms", "1 h", 3_600_000),
        ("max_message", "1 MiB", 1_048_576),
        ("max_message", "1 MB", 1_000_000),
        ("max_message", "100 bytes", 100),
        ("ring_memory", "2GiB", 2**31),
        ("connections", "100_000", 100_000),
    ],
)
def test_values_may_have_units(name: str, written: object, read: int) -> None:
    limits = {"resume_ms": "10 min", name: written}
    assert Config.of(limits=limits).limit(name) == read


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"prot": 1}, "'prot'; did you mean 'port'"),
        ({"limits": {"ping": 1}}, "'ping'; did you mean 'ping_ms'"),
        ({"port": "many"}, "port is 'many', and must be a whole number"),
        ({"port": 65_536}, "port from 0 to 65535"),
        ({"port": True}, "whole number"),
        ({"host": 7}, "list of texts"),
        ({"host": []}, "host is empty"),
        ({"log_level": "loud"}, "one of debug, info, warning, error, critical"),
        ({"access_log": "perhaps"}, "true or false"),
        ({"limits": 7}, "limits is 7, and must be a table"),
        ({"limits": {"ping_ms": "25 parsec"}}, "the units are ns, us"),
        ({"limits": {"ping_ms": "0.1 ms"}}, "no fraction"),
        ({"limits": {"ping_ms": -1}}, "from 0 to"),
        ({"limits": {"ping_ms": 2**63}}, "from 0 to"),
        ({"limits": {"connections": "10 s"}}, "whole number"),
        ({"limits": {"resume_ms": 1000}}, "at least ping_ms + silence_ms, 85000 ms"),
        ({"key": "key.pem"}, "key without a certificate"),
        ({"demo": True, "mount": "site:asgi"}, "demo and mount"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.of(**settings)
    assert says in str(caught.value)


def test_an_unknown_variable_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="RTCORE_LIMITS_PING; did you mean 'RTCORE_LIMITS_PING_MS'"):
        load({}, environment={"RTCORE_LIMITS_PING": "1"}, file=None)
    with pytest.raises(ConfigError, match="RTCORE_PROT; did you mean 'RTCORE_PORT'"):
        load({}, environment={"RTCORE_PROT": "1"}, file=None)


def test_variables_that_are_no_settings_are_left_alone() -> None:
    environment = {
        "RTCORE_STEP": "reschedule",
        "PATH": "/bin",
        "RTCORE_ORIGINS": "https://a.example, https://b",
    }
    assert load({}, environment=environment, file=None).config.origins == ("https://a.example", "https://b")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load({}, environment={}, file=tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"is not TOML.*line 1"):
        load({}, environment={}, file=written(tmp_path, "port 8000"))


def test_paths_in_a_file_are_seen_from_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, 'certificate = "tls/cert.pem"')
    assert load({}, environment={}, file=file).config.certificate == str(tmp_path / "tls" / "cert.pem")


def test_only_a_server_on_loopback_takes_loopback_names_alone() -> None:
    config = Config.of()
    assert core_settings(config, ["127.0.0.1", "::1"]).loopback_only
    assert not core_settings(config, ["127.0.0.1", "10.0.0.7"]).loopback_only
    assert not core_settings(config, ["0.0.0.0"]).loopback_only


def test_the_core_is_told_what_was_set() -> None:
    settings = Config.of(
        origins=["https://a.example"], proxies="10.0.0.0/8", linger="1 ms", limits={"acks": 9}
    )
    core = core_settings(settings, ["127.0.0.1"])
    assert (core.origins, core.proxies, core.linger_us) == (("https://a.example",), ("10.0.0.0/8",), 1000)
    assert core.limits == {"acks": 9}
    assert core.backend


def test_a_path_names_a_file_as_a_text_does(tmp_path: Path) -> None:
    """Programs have paths, not texts; a name in bytes is refused as before."""
    assert Config.of(data=tmp_path / "data").data == str(tmp_path / "data")
    with pytest.raises(ConfigError):
        Config.of(data=b"data")
