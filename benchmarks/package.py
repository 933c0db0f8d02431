"""Wheel and sdist, and the command installed from them where nothing else is.

    python benchmarks/package.py [--python python3.12 ...] [--without-install]

Both are built as users get them (the wheel from the sdist), hold every file of the package and of its data, and know
their licence. Then pipx installs the wheel into an environment of its own, in a home of its own, for each interpreter;
there ``planner`` answers, ``python -m planner`` does, an evacuation of the sample is planned and verified, and
``planner --install-completion`` writes what the shell completes by. Exit code 1: something did not.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE, SERVER = ROOT / "data" / "js22", "Server-7998-61X-SN10071DA"


def ran(command: Sequence[str | Path], **more: str) -> str:
    """What a command prints; raises when it fails."""
    done = subprocess.run(command, env=os.environ | more, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def built(made: Path) -> Path:
    """The wheel, from the sdist, of the files that are under version control."""
    source = made / "source"
    source.mkdir()
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in (os.fsdecode(f) for f in files if f):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            shutil.copy2(ROOT / name, source / name)
    ran([sys.executable, "-m", "build", "--outdir", made / "dist", source])
    (wheel,) = (made / "dist").glob("*.whl")
    (sdist,) = (made / "dist").glob("*.tar.gz")
    package = {str(p.relative_to(source)) for p in (source / "planner").rglob("*") if p.is_file()}
    with zipfile.ZipFile(wheel) as whole, tarfile.open(sdist) as packed:
        lacking = {"the wheel": package - set(whole.namelist()),
                   "the sdist": package - {name.partition("/")[2] for name in packed.getnames()}}
        if not any(name.endswith("LICENSE") for name in whole.namelist()):
            lacking["the wheel"].add("LICENSE")
    if any(lacking.values()):
        raise SystemExit(f"files are not in it: {lacking}")
    print(f"{wheel.name} {wheel.stat().st_size:,} bytes, {sdist.name} {sdist.stat().st_size:,} bytes, "
          f"{len(package)} files of the package in each")
    return wheel


def installed(wheel: Path, python: str, home: Path) -> None:
    """The command as pipx installs it, used."""
    own = {"PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin"), "HOME": str(home), "SHELL": "/bin/bash",
           "PYTHONPATH": "", "PATH": f"{home / 'bin'}:/usr/bin:/bin"}
    home.mkdir()
    ran([sys.executable, "-m", "pipx", "install", "--python", python, wheel], **own)
    planner = home / "bin" / "planner"
    environment = home / "pipx" / "venvs" / "planner" / "bin" / "python"
    version = ran([planner, "--version"], **own).strip()
    said = ran([environment, "-m", "planner", "--version"], **own).strip()
    ran([planner, "evacuate", SAMPLE, SERVER, "--return", "--out", home / "plan", "--quiet"], **own)
    verified = ran([planner, "verify", home / "plan", SAMPLE], **own)
    ran(["bash", "-c", f"'{planner}' --install-completion; exit $?"], **own)  # it asks who called it
    written = [p for p in home.rglob("*planner*.sh") if "complete" in p.read_text().lower()]
    if version != said or "the plan holds" not in verified or not written:
        raise SystemExit(f"{python}: {version}, {said}, {verified}, completion in {written}")
    print(f"{ran([environment, '--version'], **own).strip()}: {version} installed, a plan made and verified, "
          f"completion in {written[0].relative_to(home)}")


def main() -> int:
    asking = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asking.add_argument("--python", nargs="*", default=[sys.executable], help="interpreters to install it for")
    asking.add_argument("--without-install", action="store_true", help="only build, and look into what was built")
    asked = asking.parse_args()
    with tempfile.TemporaryDirectory(prefix="package-") as made:
        wheel = built(Path(made))
        for number, python in enumerate([] if asked.without_install else asked.python):
            installed(wheel, python, Path(made) / f"home{number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
