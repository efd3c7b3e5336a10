"""What a rule says: how bad it is, what was found, what to try."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong: how bad, a sentence with the measured value and the limit, what to try, the figures."""

    severity: Severity
    message: str
    suggestion: str
    evidence: dict[str, Any]


def over(value: float, high: float, low: float, *, raised: bool) -> bool:
    """Whether a value is over its threshold: `high` to begin with, and `low` while it was over it before.

    So that what is near the threshold does not come and go.
    """
    return value > (low if raised else high)


def worst(value: float, critical: float) -> Severity:
    """Critical above so much, else a warning."""
    return Severity.CRITICAL if value > critical else Severity.WARNING
