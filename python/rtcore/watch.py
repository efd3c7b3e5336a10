"""What a rule of diagnosis is made of: `@app.rule(name)` says more."""

from rtcore._watch.findings import Finding, Severity
from rtcore._watch.process import Process
from rtcore._watch.view import Held, Row, View

__all__ = ["Finding", "Held", "Process", "Row", "Severity", "View"]
