"""What the runners share: where the program is, and how to run something alone on the machine."""
import os
import pathlib
import shutil
import signal
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


def printed(command, seconds, folder=None, **environment):
    """Status and output of a command; the status is None if it did not end in time, and was ended."""
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, output
    except subprocess.TimeoutExpired:
        # Loggia ends what it has started; what the machine has started is in the process group.
        process.terminate()
    try:
        output, _ = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
    return None, output


def known(folder):
    """The names in the folder's KNOWN.txt (name | why)."""
    rows = (folder / "KNOWN.txt").read_text().splitlines()
    return {row.split(" | ")[0].strip() for row in rows if row and not row.startswith("#")}


class Verdict:
    """What passes on the machine has to pass under Loggia, unless it is known not to."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.passed = self.failed = 0
        self.elsewhere = 0

    def judge(self, test, there, here):
        """Outcomes of one test on the machine and under Loggia: `ok` or something else."""
        if there != "ok":
            self.elsewhere += 1
        elif here == "ok" or test in self.allowed:
            self.passed += 1
        else:
            self.failed += 1
            print(f"    {test}: {here} under loggia")
            sys.stdout.flush()

    def end(self):
        print(f"{self.elsewhere} skipped or failed on the machine too")
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0 if self.passed else NO_JUDGE)
