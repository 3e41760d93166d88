"""Installs scripts/requirements.txt into .cache/venv, again when the file changes.

Prints nothing when there is nothing to do. May run several times at once.
"""

import fcntl
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "scripts" / "requirements.txt"
VENV = ROOT / ".cache" / "venv"
INSTALLED = VENV / "installed.txt"


def main():
    VENV.parent.mkdir(exist_ok=True)
    with open(VENV.parent / "venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = REQUIREMENTS.read_text()
        if INSTALLED.exists() and INSTALLED.read_text() == wanted:
            return
        print("installing the SAM CLI and cfn-lint into .cache/venv (about a minute) …", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", str(VENV))
        run(str(VENV / "bin" / "pip"), "install", "--quiet", "--requirement", str(REQUIREMENTS))
        INSTALLED.write_text(wanted)


def run(*command):
    if subprocess.run(command).returncode:
        sys.exit("scripts/venv.py: " + " ".join(command[:3]) + " failed")


main()
