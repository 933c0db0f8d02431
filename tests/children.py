"""Programs that a test starts beside itself."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def child(*command: str, **more: Any) -> Iterator[subprocess.Popen[Any]]:
    """A program with both outputs piped, which does not outlive the test, however that ends."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more) as process:
        try:
            yield process
        finally:
            process.kill()
