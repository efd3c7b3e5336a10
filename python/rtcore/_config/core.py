"""What the core must know of a configuration."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from rtcore._engine import CoreSettings
from rtcore.config import Config


def core_settings(config: Config, addresses: Sequence[str]) -> CoreSettings:
    """The settings of the core, when the server listens on these addresses."""
    return CoreSettings(
        limits=dict(config.limits),
        origins=config.origins,
        hosts=config.hosts,
        proxies=config.proxies,
        forwarded=config.forwarded,
        proxy_protocol=config.proxy_protocol,
        loopback_only=all(map(_is_loopback, addresses)),
        backend=True,
        token_in_url=config.token_in_url,
        compress_events=config.compress_events,
        linger_us=config.linger,
        data=config.data,
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
