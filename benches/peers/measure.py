"""What every Python peer's process does: load the work, get ready, run it once under two clocks, write the result.

    python peer_torch.py WORK FORM WORK_FILE RESULT_FILE

prints one JSON object: seconds and cpu_seconds (all threads) of the run alone, setup_seconds for everything between the
imports and the run (loading, compiling, warming up), versions.
"""

import json
import sys
import time

import works


def main(prepare, versions):
    """`prepare(work, form, x, y, weights)` compiles, warms up on copies of the weights and returns two functions:
    `run` does the work and returns when it is done; `collect` turns what `run` returned into NumPy arrays."""
    name, form, given, result = sys.argv[1:]
    work = works.WORKS[name]
    begun = time.perf_counter()
    run, collect = prepare(work, form, *works.load(given))
    started, cpu_started = time.perf_counter(), time.process_time()
    outcome = run()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    works.save_result(work, result, collect(outcome))
    report = {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "setup_seconds": started - begun,
        "versions": versions,
    }
    print(json.dumps(report))
