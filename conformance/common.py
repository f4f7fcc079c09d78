"""What the runners share: where the program is, and how to run something alone on the machine."""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
#: The judge is not there: neither passed nor failed.
NO_JUDGE = 77


def program(given):
    """The program under test: `given`, else what was built last."""
    built = [ROOT / "target" / kind / "loggia" for kind in ("release", "debug")]
    built.sort(key=lambda path: path.stat().st_mtime if path.exists() else 0, reverse=True)
    for candidate in [given] if given else built:
        if os.access(candidate, os.X_OK):
            return os.path.abspath(candidate)
    sys.exit("no program: cargo build --release, or --loggia PATH")


def on_the_machine(command):
    """The command in a network namespace with only lo where that is permitted, so that nothing of the machine's network is seen."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    probe = subprocess.run([*alone, "true"], capture_output=True) if shutil.which("unshare") else None
    if probe is None or probe.returncode:
        return command
    return [*alone, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]


def under_loggia(loggia, command, options=()):
    """The command on a host of its own."""
    return [loggia, "--quiet", "run", *options, "--", *command]
