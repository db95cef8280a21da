"""Two tasks, one after the other and both at once, in the four cases that tell what CPython's global lock does.

Usage: gil-cases.py ROUNDS

Prints one line of JSON, a list: name of the case, ms in turn (`serialMs`), ms at once (`parallelMs`), and `same`, whether
both ways gave the same. Sleeping and hashing let go of the lock; a loop in Python keeps it; processes have one each.
"""

import hashlib
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def nap(_):
    time.sleep(0.1)
    return 0


def digest(rounds):
    return hashlib.sha256(b"x" * (rounds * 20)).hexdigest()


def loop(rounds):
    total = 0
    for i in range(rounds):
        total += i**2
    return total


def measure(name, task, rounds, executor):
    with executor(2) as both:
        list(both.map(nap, [0, 0]))  # starts the workers
        start = time.perf_counter()
        in_turn = [both.submit(task, rounds).result() for _ in range(2)]
        middle = time.perf_counter()
        at_once = list(both.map(task, [rounds, rounds]))
        end = time.perf_counter()
    return {
        "name": name,
        "serialMs": (middle - start) * 1000,
        "parallelMs": (end - middle) * 1000,
        "same": in_turn == at_once,
    }


if __name__ == "__main__":
    rounds = int(sys.argv[1])
    cases = [
        measure("sleep", nap, rounds, ThreadPoolExecutor),
        measure("hash, C code", digest, rounds, ThreadPoolExecutor),
        measure("loop, threads", loop, rounds, ThreadPoolExecutor),
        measure("loop, processes", loop, rounds, ProcessPoolExecutor),
    ]
    print(json.dumps(cases))
