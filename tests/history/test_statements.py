"""SQL of the store: what comes from outside is a parameter, never a part of a statement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from usage_writer import lslparutil_text, nmon_text, source

from planner.history.contents import Contents
from planner.history.store import History

NOON = datetime(2026, 1, 10, 12, 0)
NAMES = ["o'lpar", "x'); DROP TABLE sample; --", "é\u202e\"`$1 ?"]
SERVER = "srv' OR '1'='1"


def test_no_name_stands_in_a_statement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    own = Contents.__init__

    class Recorded:
        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def execute(self, query: str, *more: Any) -> Any:
            said.append(query)
            return self.connection.execute(query, *more)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.connection, name)

    monkeypatch.setattr(Contents, "__init__", lambda self, path, connection: own(self, path, Recorded(connection)))  # type: ignore[arg-type]
    store = tmp_path / "it's a history.db"
    begin = int(NOON.replace(tzinfo=UTC).timestamp())
    with History.open(store) as history:
        for n, name in enumerate(NAMES):
            times = [(NOON + timedelta(minutes=5 * k), 1.0 + n) for k in range(4)]
            history.add([source(nmon_text(name, times, serial="21'--"), f"{name}.nmon")], "Europe/Berlin",
                        servers={"21'--": SERVER}, lpar=name)
            rows = [(NOON + timedelta(hours=k), name, 1000 * k, 100 * k) for k in range(4)]
            history.add([source(lslparutil_text(rows, SERVER), f"{name}-counted")])
        assert set(NAMES) <= set(history.names())
        asked = [history.show(), history.servers(), history.first_seen(), history.lpars_on(SERVER, 0, 2 * begin),
                 history.grid(NAMES, begin - 86_400, begin + 86_400), history.samples(NAMES[0], 0, 2 * begin)]
        assert all(asked)
        assert history.forget([NAMES[0]], SERVER).rows and history.forget(NAMES[:1]).rows
        assert set(history.names()) == set(NAMES[1:])
        history.compact()
    assert len(said) > 100
    assert [q for q in said if any(name in q for name in (*NAMES, SERVER, "21'--"))] == []
    with History.open(store, read_only=True) as history:
        assert set(history.names()) == set(NAMES[1:])
    assert [p.name for p in tmp_path.iterdir()] == [store.name]
