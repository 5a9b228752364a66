"""Measures gpu-nn and its peers on the same works and prints the tables; run.sh starts it.

One process a measurement. In each round every row runs once, so that gpu-nn and its peers see the same machine. A row
is repeated until it has its runs, or has used up its time. All programs may use all cores, as they do by default.
"""

import argparse
import dataclasses
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import candidates
import install
import tables
import works

# Threads of OpenMP that wait by spinning stop one another when the machine has other work: PyTorch was seen 20 times
# slower on two busy cores. Passive waiting costs some microseconds on an idle machine. The user's own setting wins.
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


class Failed(Exception):
    """A process that did not end well, and how, in a line."""


def parse(arguments):
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__.splitlines()[0])
    peers = [*candidates.PEERS, "ours"]
    parser.add_argument("--works", default=",".join(works.WORKS), help="of %(default)s")
    parser.add_argument("--only", default=",".join(peers), help="of %(default)s")
    parser.add_argument("--runs", type=int, default=5, help="measurements of a row; the median counts [%(default)s]")
    parser.add_argument("--timeout", type=float, default=300, help="seconds of a process at most [%(default)s]")
    parser.add_argument("--budget", type=float, default=120, help="seconds of a row, not repeated after [%(default)s]")
    parser.add_argument("--program", type=Path, help="a gpu-nn to measure [the release build of this source]")
    parser.add_argument("--out", type=Path, default=install.TARGET / "results.json", help="[%(default)s]")
    options = parser.parse_args(arguments)
    for name, known in (("works", list(works.WORKS)), ("only", peers)):
        chosen = getattr(options, name).split(",")
        if unknown := set(chosen) - set(known):
            parser.error(f"--{name} {', '.join(sorted(unknown))}: there are {', '.join(known)}")
        setattr(options, name, chosen)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    return options


def run_process(command, timeout):
    """Runs a command to its end, in a process group of its own; time of its waited-for children counts."""
    environment = ENVIRONMENT | dict(os.environ)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
        )
        killed = threading.Event()

        def kill():
            killed.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(timeout, kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output, messages = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    if killed.is_set():
        raise Failed(f"did not end within {timeout:.0f} s")
    if child.returncode != 0:
        last = [line for line in messages.splitlines() if line.strip()] or ["no message"]
        raise Failed(f"failed ({child.returncode}): {last[-1].strip()[:200]}")
    return candidates.Process(output, seconds, usage.ru_utime + usage.ru_stime)


def measure(candidate, timeout):
    """One measurement of a row, checked."""
    folder = Path(tempfile.mkdtemp(prefix="peers-"))
    try:
        process = run_process(candidate.command(folder), timeout)
        try:
            timed = dataclasses.asdict(candidate.read(process, folder))
        except candidates.Refused as reason:
            raise Failed(str(reason)) from reason
        except (OSError, ValueError, LookupError) as error:
            raise Failed(f"left no result that can be read: {error}") from error
    finally:
        shutil.rmtree(folder)
    whole = candidate.whole_process
    timed["process_seconds"] = process.seconds if whole else None
    timed["process_cpu_seconds"] = process.cpu_seconds if whole else None
    return timed


def programs(only, ours):
    """The command of every peer that was asked for, or why there is none."""
    found = {}
    for who in only:
        note(f"installing {who}")
        try:
            if who == "ours":
                found[who] = str(ours) if ours else install.gpu_nn()
            elif who in candidates.PYTHON_PEERS:
                found[who] = install.python_peer(who)
            else:
                found[who] = install.rust_peer(who)
        except install.Unavailable as reason:
            found[who] = reason
    return found


def rows_of(work, found, given, expected):
    """Every row of a work, and the candidate that fills it where its program is there."""
    rows = []
    for who, program in found.items():
        if who == "ours":
            forms, name = candidates.OUR_FORMS[work.name], "gpu-nn"
        else:
            forms, name = [form for form, of in candidates.PEERS[who].items() if work.name in of], who
        for form in forms:
            row = {"work": work.name, "who": name, "form": form, "units": work.units(), "measurements": []}
            if isinstance(program, install.Unavailable):
                rows.append((row | {"failure": str(program)}, None))
                continue
            make = candidates.ours if who == "ours" else lambda *rest, who=who: candidates.peer(who, *rest)
            rows.append((row | {"failure": None}, make(form, work, program, given, expected)))
    return rows


def run_rounds(rows, options):
    spent = [0.0] * len(rows)
    for round_number in range(options.runs):
        for i, (row, candidate) in enumerate(rows):
            if row["failure"] or (round_number > 0 and spent[i] >= options.budget):
                continue
            note(f"{row['work']} round {round_number + 1}: {row['who']} {row['form']}")
            started = time.perf_counter()
            try:
                row["measurements"].append(measure(candidate, options.timeout))
            except Failed as reason:
                row["failure"] = str(reason)
            spent[i] += time.perf_counter() - started


def note(text):
    print(text, file=sys.stderr, flush=True)


def line_of(command):
    """What a command prints, or nothing."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=install.ROOT)
    return done.stdout.strip()


def machine(found):
    """Where and with what this was measured."""
    cpus = [line.split(":")[1].strip() for line in line_of(["lscpu"]).splitlines() if line.startswith("Model name")]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": cpus[0] if cpus else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "rustc": line_of(["rustc", "--version"]),
        "commit": line_of(["git", "describe", "--always", "--dirty"]),
        "gpu_nn_info": line_of([found["ours"], "info"]) if isinstance(found.get("ours"), str) else None,
        "vk_driver_files": os.environ.get("VK_DRIVER_FILES"),
    }


def main():
    options = parse(sys.argv[1:])
    found = programs(options.only, options.program)
    here = machine(found)
    print(f"{here['cpu']}, {here['cores']} cores, load {here['load'][0]:.1f} at the start; gpu-nn {here['commit']}")
    print(f"\n```\n{here['gpu_nn_info']}\n```\n")
    print(f"Medians of at most {options.runs} runs, in turn; every program may use all cores, but for forms with `-1`.")
    print("Setup (loading, compiling, warming up) is not in wall and CPU; a process is from start to exit.\n")
    results = {"machine": here, "options": {"runs": options.runs, "environment": ENVIRONMENT}, "rows": []}
    for name in options.works:
        work = works.WORKS[name]
        note(f"{name}: data and reference")
        rows = rows_of(work, found, *works.prepare(work, install.TARGET / "data"))
        run_rounds(rows, options)
        measured = [row for row, _ in rows]
        results["rows"] += measured
        print(tables.table(work, measured) + "\n", flush=True)
        options.out.write_text(json.dumps(results, indent=1))
    note(f"wrote {options.out}")


if __name__ == "__main__":
    main()
