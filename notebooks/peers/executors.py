"""Measures tasks in Python threads or processes: concurrent.futures, as in the guide's chapters on executors.

Usage: executors.py threads|processes sleep|sum N WORKERS [TASKS]

`sleep`: task i sleeps N milliseconds and gives 2 i. `sum`: each adds up i * i mod 1000003 for all i below N.
Prints one line of JSON: the results in order, the time of all in milliseconds, whether there is a GIL, and for each task
who ran it, from when to when (milliseconds since the pool was made).
"""

import json
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

MODULUS = 1_000_003


def sleep(index, n):
    time.sleep(n / 1000)
    return 2 * index


def add_squares(_index, n):
    total = 0
    for i in range(n):
        total += i * i % MODULUS
    return total


def task(kind, index, n):
    start = time.time()
    result = (sleep if kind == "sleep" else add_squares)(index, n)
    return result, [os.getpid(), threading.get_ident()], start, time.time()


def main():
    pool_kind, kind, n, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    count = int(sys.argv[5]) if len(sys.argv) > 5 else 4
    make = {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor}[pool_kind]
    begin, clock = time.time(), time.perf_counter()
    with make(max_workers=workers) as pool:
        done = list(pool.map(task, [kind] * count, range(count), [n] * count))
    ms = (time.perf_counter() - clock) * 1000
    names = []
    for _, who, _, _ in done:
        if who not in names:
            names.append(who)
    print(
        json.dumps(
            {
                "results": [result for result, _, _, _ in done],
                "ms": ms,
                "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
                "tasks": [
                    {
                        "task": i,
                        "worker": names.index(who),
                        "startMs": (start - begin) * 1000,
                        "endMs": (end - begin) * 1000,
                    }
                    for i, (_, who, start, end) in enumerate(done)
                ],
            }
        )
    )


if __name__ == "__main__":
    main()
