"""The files of deploy/ do what docs/guide/deploying.md says: each that Debian has the program for is run."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml

import rtcore
from rtcore.client.links.target import Target
from rtcore.config import load
from tests.deploy.proxies import BY_HEADER, DEPLOY, NAMES, found, proxied
from tests.once import once
from tests.server.conftest import serving


def site() -> rtcore.App:
    app = rtcore.App()
    app.rooms("tea", relay=True, history=100)

    @app.on("whence")
    def whence(session: rtcore.Session) -> str | None:
        return session.address

    return app


def needs(name: str) -> None:
    if found(name) is None and os.environ.get("CI") != "true":
        pytest.skip(f"{name} is not here")


@pytest.mark.parametrize("name", NAMES)
async def test_each_transport_gets_through_the_proxy(name: str, tmp_path: Path) -> None:
    needs(name)
    async with (
        serving(site(), proxies=["127.0.0.1"], hosts=["example.org"]) as server,
        proxied(name, tmp_path, server.port) as port,
    ):
        for transport in ("websocket", "sse", "polling"):
            async with rtcore.connect(f"http://127.0.0.1:{port}", transport=transport) as client:
                room = await client.join("tea")
                assert await client.emit("whence") == "127.0.0.1"
                said = transport + "." * 300_000
                heard = aiter(room)
                await room.publish("say", said)
                event = await anext(heard)
                assert isinstance(event, rtcore.Event)
                assert event.data == said
                assert client.transport == transport
        assert (await once(port, "/metrics"))[0] == 403
        status, _, body = await once(port, "/readyz")
        assert (status, body) == (200, "ok\n")


@pytest.mark.parametrize("name", NAMES)
async def test_doctor_finds_nothing_wrong_behind_the_proxy(name: str, tmp_path: Path) -> None:
    needs(name)
    async with (
        serving(site(), proxies=["127.0.0.1"], hosts=["example.org"]) as server,
        proxied(name, tmp_path, server.port) as port,
    ):
        done = await trio.run_process(
            [sys.executable, "-m", "rtcore", "doctor", f"http://127.0.0.1:{port}"],
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("name", BY_HEADER)
async def test_a_proxy_that_passes_bytes_on_says_whose_they_are(name: str, tmp_path: Path) -> None:
    """Without the header each client would be the proxy: 127.0.0.1, as all of them are."""
    needs("haproxy")
    settings = {"proxies": ["127.0.0.1"], "hosts": ["example.org"], "proxy_protocol": True}
    async with serving(site(), **settings) as server, proxied(name, tmp_path, server.port) as port:
        for transport in ("websocket", "sse", "polling"):
            url = f"http://127.0.0.1:{port}"
            async with rtcore.connect(url, transport=transport, dial=_from_elsewhere) as client:
                assert await client.emit("whence") == "127.0.0.9"
        done = await trio.run_process(
            [sys.executable, "-m", "rtcore", "doctor", f"http://127.0.0.1:{port}"],
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 0, done.stdout.decode()


async def _from_elsewhere(target: Target) -> trio.abc.Stream:
    return await trio.open_tcp_stream("127.0.0.1", target.port, local_address="127.0.0.9")


async def test_the_probes_of_kubernetes_are_answered() -> None:
    pod, service = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    async with serving(site()) as server:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert (await once(server.port, container[probe]["httpGet"]["path"]))[0] == 200
    environment = {one["name"]: one.get("value", "k" * 32) for one in container["env"]}
    config = load({}, environment=environment, file=None).config
    assert (
        config.shutdown_delay + config.grace
        < pod["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    )
    assert service["spec"]["selector"] == pod["spec"]["selector"]["matchLabels"]
    _understood(container["args"])


def container_file() -> dict[str, list[str]]:
    """What the container file says, by its instructions."""
    said: dict[str, list[str]] = {}
    for line in (DEPLOY / "Containerfile").read_text().splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            said.setdefault(word, []).append(rest)
    return said


def test_the_command_of_the_container_is_understood() -> None:
    [command] = container_file()["CMD"]
    _understood(yaml.safe_load(command))


def test_what_the_container_file_says_fits_together() -> None:
    """No image is built: no builder is to be had where the tests run. What is read can be wrong as well."""
    said = container_file()
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "EXPOSE", "CMD"}
    assert set(said) == known, "each is an instruction of a container file, and none is missing"
    [command] = said["CMD"]
    words: list[str] = yaml.safe_load(command)
    assert isinstance(words, list), "a shell between would take SIGTERM and keep it"
    [version] = re.findall(r"python:(3\.\d+)-slim$", said["FROM"][0])
    about = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    [least] = re.findall(r">=3\.(\d+)$", about["requires-python"])
    assert int(version.partition(".")[2]) >= int(least)
    setting_up, installing = said["RUN"]
    steps = [shlex.split(step) for step in setting_up.split("&&")]
    assert all(shutil.which(step[0]) for step in steps), "Debian has each of them"
    [(user, identity)] = re.findall(r"useradd .*--uid (\d+) (\w+)", setting_up)
    assert said["USER"] == [user], "by number, so that Kubernetes sees that it is not root"
    [folder] = said["VOLUME"]
    assert f"install -d -o {identity} {folder}" in setting_up, "it may write there, and nowhere else"
    options = dict(itertools.pairwise(words[3:]))
    config = load({"host": options["--host"], "data": options["--data"]}, environment={}, file=None).config
    assert config.data == folder
    assert said["EXPOSE"] == [str(config.port)]
    *sources, target = said["COPY"][0].split()
    module = words[2].partition(":")[0]
    assert (sources, target) == (["requirements.txt", f"{module}.py"], "./")
    assert shlex.split(installing)[-2:] == ["-r", sources[0]]


def _understood(words: list[str]) -> None:
    """The command's own reading of its options: it stops at the application, which is not here."""
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False, env=_without_settings()
    )
    assert "myapp" in done.stderr
    assert "No such option" not in done.stderr


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("RTCORE_")}


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    needs("systemd-analyze")
    for unit in ("rtcore.socket", "rtcore.service"):
        said = (DEPLOY / unit).read_text().replace("/srv/rtcore/venv/bin/rtcore", sys.executable)
        (tmp_path / unit).write_text(said.replace("/srv/rtcore", str(tmp_path)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "rtcore.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_traefik_sends_what_the_others_send() -> None:
    """Debian has no Traefik: that its file is read as it is meant is all that is known here."""
    said: Any = yaml.safe_load((DEPLOY / "traefik.yml").read_text())
    (server,) = said["http"]["services"]["rtcore"]["loadBalancer"]["servers"]
    assert server == {"url": "http://127.0.0.1:8000"}
