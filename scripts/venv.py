"""Installs scripts/NAME.txt into .cache/venv-NAME, again when the file changes.

Without a NAME it is scripts/requirements.txt and .cache/venv. Prints nothing
when there is nothing to do. May run several times at once.
"""

import fcntl
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main(name="requirements", suffix=""):
    requirements = ROOT / "scripts" / f"{name}.txt"
    venv = ROOT / ".cache" / f"venv{suffix}"
    installed = venv / "installed.txt"
    venv.parent.mkdir(exist_ok=True)
    with open(venv.parent / f"{venv.name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = requirements.read_text()
        if installed.exists() and installed.read_text() == wanted:
            return
        print(f"installing {requirements.name} into .cache/{venv.name} (up to a minute) …", flush=True)
        shutil.rmtree(venv, ignore_errors=True)
        run(sys.executable, "-m", "venv", str(venv))
        run(str(venv / "bin" / "pip"), "install", "--quiet", "--requirement", str(requirements))
        installed.write_text(wanted)


def run(*command):
    if subprocess.run(command).returncode:
        sys.exit("scripts/venv.py: " + " ".join(command[:3]) + " failed")


if sys.argv[1:]:
    main(sys.argv[1], "-" + sys.argv[1])
else:
    main()
