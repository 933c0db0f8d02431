"""One Chromium for all pages of a test run, spoken to over a pipe (Chrome DevTools Protocol): no test starts its own."""

from __future__ import annotations

import atexit
import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
_PATIENCE_S = 120
_FORGET = 'if (location.protocol === "file:") { localStorage.clear(); sessionStorage.clear(); }\n'
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
          "--disable-extensions", "--no-first-run", "--remote-debugging-pipe")


class Chromium:
    """The process; messages end with a zero byte each way."""

    def __init__(self) -> None:
        assert CHROMIUM
        self._home = tempfile.mkdtemp(prefix="chromium-")
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        child = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out)]
        self._pid = os.posix_spawn(
            CHROMIUM, [CHROMIUM, *_FLAGS, f"--user-data-dir={self._home}", "about:blank"], os.environ, setpgroup=0,
            file_actions=[*((os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate(child, 3)),
                          (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)])
        for fd in (theirs_in, theirs_out, *child):
            os.close(fd)
        self._to, self._from, self._waiting, self._count = ours_out, ours_in, b"", 0
        self.events: list[dict[str, Any]] = []
        atexit.register(self._close)

    def _close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        shutil.rmtree(self._home, ignore_errors=True)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            assert select.select([self._from], [], [], _PATIENCE_S)[0], "Chromium does not answer"
            more = os.read(self._from, 1 << 20)
            assert more, "Chromium has ended"
            self._waiting += more
        one, _, self._waiting = self._waiting.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """The result of a command; what happens meanwhile goes to ``events``. Raises AssertionError where it is refused."""
        self._count += 1
        asked = {"id": self._count, "method": method, "params": params} | ({"sessionId": session} if session else {})
        told = json.dumps(asked).encode() + b"\0"
        while told:
            told = told[os.write(self._to, told):]
        while (one := self._message()).get("id") != asked["id"]:
            self.events.append(one)
        assert "error" not in one, (method, one["error"])
        result: dict[str, Any] = one["result"]
        return result

    def until(self, event: dict[str, str], **params: str) -> None:
        """Waits for an event with all of this."""
        while not any(event.items() <= e.items() and params.items() <= e["params"].items() for e in self.events):
            self.events.append(self._message())


class Tab:
    """The page of the browser. A process for each page would cost a second of processor time each."""

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        target = next(t for t in chromium.ask("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._session = chromium.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self._before = ""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        return self._chromium.ask(method, self._session, **params)

    def open(self, url: str, before: str = "") -> None:
        """Opens an address with nothing kept of those before; ``before``: JavaScript ahead of all of the page's own."""
        if self._before:
            self.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=self._before)
        self._load("about:blank")
        self._chromium.events.clear()
        self._before = self.ask("Page.addScriptToEvaluateOnNewDocument", source=_FORGET + before)["identifier"]
        self._load(url)

    def _load(self, url: str) -> None:
        loader = self.ask("Page.navigate", url=url)["loaderId"]
        self._chromium.until({"method": "Page.lifecycleEvent", "sessionId": self._session}, loaderId=loader, name="load")

    def run(self, body: str) -> Any:
        """What a piece of JavaScript returns, as JSON; it may await."""
        told = self.ask("Runtime.evaluate", expression=f"(async () => {{ {body} }})()", awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def narrow(self, width: int, height: int = 1200) -> None:
        """The window has so many CSS pixels from now on."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, dark: bool) -> None:
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def key(self, name: str, text: str = "", shift: bool = False) -> None:
        """A key of the keyboard goes down and up, as a person's would."""
        code = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(name, 0)
        said = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        text = text or {"Enter": "\r", " ": " "}.get(name, "")
        self.ask("Input.dispatchKeyEvent", **({"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}), **said)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **said)

    def tab_to(self, selector: str, most: int = 200) -> None:
        """Tab until what is looked for has the focus, and shows that it has. Raises AssertionError where it is not reached."""
        for n in range(most):
            if n:
                self.key("Tab")
            told = self.run(f"""const e = document.activeElement; return e && e.matches({json.dumps(selector)}) ?
                getComputedStyle(e).outlineStyle : null""")
            if told:
                assert told != "none", f"{selector} has the focus and does not show it"
                return
        raise AssertionError(f"{selector} is not reached by Tab")

    def type(self, text: str) -> None:
        """Into what has the focus."""
        self.ask("Input.insertText", text=text)

    def printed(self, to: Path) -> Path:
        """The page as the browser prints it, in the paper size that its style asks for."""
        to.write_bytes(base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)["data"]))
        return to

    def picture(self, to: Path) -> Path:
        to.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]))
        return to

    @property
    def wrong(self) -> list[str]:
        """Errors, what its policy stopped, and what it asked of the network."""
        out = []
        for e in self._chromium.events:
            method, params = e.get("method"), e.get("params", {})
            if e.get("sessionId") != self._session:
                continue
            if method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                out.append(details.get("exception", {}).get("description") or details["text"])
            elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
                out.append(params["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
                out.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
            elif method == "Network.requestWillBeSent" and not params["request"]["url"].startswith(("file:", "data:", "about:", "blob:")):
                out.append("asks for " + params["request"]["url"])
        return out


@cache
def tab() -> Tab:
    """The one of this process."""
    return Tab(Chromium())


def shown(url: str, width: int = 1400, before: str = "", dark: bool = False) -> Tab:
    """An address in a window so many CSS pixels wide."""
    made = tab()
    made.narrow(width)
    made.dark(dark)
    made.open(url, before)
    return made
