"""Runs one script in one variant."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import suites

HERE = pathlib.Path(__file__).resolve().parent
#: A script that takes longer (of real time) hangs.
LONGEST = 60
#: Binds a folder over the settings of IPv4 for this process alone, then becomes the rest of the command.
BIND = 'mount --bind "$1" /proc/sys/net/ipv4 && shift && exec "$@"'


class Bench:
    """What all trials share."""

    def __init__(self, packetdrill, library, work):
        self.packetdrill, self.library, self.work = packetdrill, library, work
        self.alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        self.defaults = dict(
            line.split(None, 1) for line in (HERE / "settings.txt").read_text().splitlines() if line and line[0] != "#"
        )

    def run(self, trial, log=None, verbose=False):
        """None if it passes, else what packetdrill says was wrong."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        try:
            said = self.execute(trial, folder)
        finally:
            shutil.rmtree(folder)
        if said is None:
            return None
        if verbose:
            print(f"--- {trial.path} ({trial.variant})\n{said}")
        if log:
            file = pathlib.Path(log) / f"{trial.path.replace('/', '_')}.{trial.variant}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(said)
        return fault(said)

    def execute(self, trial, folder):
        settings = folder / "ipv4"
        settings.mkdir()
        for name, value in {**self.defaults, **suites.settings(trial)}.items():
            (settings / name).write_text(value + "\n")
        process = subprocess.Popen(
            self.command(trial, folder, settings),
            cwd=trial.script.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.communicate()
            return f"hangs: not over after {LONGEST} s"
        finally:
            # The suites' set_sysctls.py leaves this behind, under the process's number.
            pathlib.Path(f"/tmp/sysctl_restore_{process.pid}.sh").unlink(missing_ok=True)
        return None if process.returncode == 0 else said or f"exit code {process.returncode}"

    def command(self, trial, folder, settings):
        address, mtu = suites.addresses(trial)
        environment = [
            "env",
            f"LD_PRELOAD={self.library}",
            f"PATH={HERE / 'shims'}:{os.environ['PATH']}",
        ]
        flags = f"address={address},mtu={mtu},settings={settings}"
        neutral = suites.neutral(trial)
        script = trial.script.name
        if neutral is not None:
            script = str(folder / trial.script.name)
            pathlib.Path(script).write_text(neutral)
        options = suites.options(trial)
        packetdrill = [str(self.packetdrill), *options, f"--so_filename={self.library}", f"--so_flags={flags}", script]
        return [*self.alone, "sh", "-c", BIND, "sh", str(settings), *environment, *packetdrill]


def fault(said):
    """The line of what packetdrill said that names the script's line, without the folder."""
    lines = [line for line in said.split("\n") if line.strip()]
    named = [line for line in lines if ".pkt:" in line] or lines or ["ended without a word"]
    return named[0].rsplit("/", 1)[-1] if ".pkt:" in named[0] and named[0].startswith("/") else named[0]
