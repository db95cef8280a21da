"""Measures an array handed to a process by copy, and by its name in shared memory.

Usage: array-to-process.py MEGABYTES RUNS

The array holds i mod 1000 at index i, as 64-bit floats. The process doubles one number of every 4 KiB page, so that all
of the memory is touched and the arithmetic costs nothing; a copy then has to come back, shared memory is just read.
Prints one line of JSON: the milliseconds of every run for both ways, and the sum of the doubled numbers as the parent
reads them.
"""

import json
import sys
import time
from array import array
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import resource_tracker, shared_memory

STEP = 512


def ready():
    return True


def double_copy(numbers):
    for i in range(0, len(numbers), STEP):
        numbers[i] *= 2
    return numbers


def double_shared(name, count):
    memory = shared_memory.SharedMemory(name=name)
    numbers = memory.buf.cast("d")
    for i in range(0, count, STEP):
        numbers[i] *= 2
    numbers.release()
    memory.close()
    return name


def run_copy(pool, numbers):
    begin = time.perf_counter()
    doubled = pool.submit(double_copy, numbers).result()
    ms = (time.perf_counter() - begin) * 1000
    return ms, sum(doubled[::STEP])


def run_shared(pool, numbers):
    count = len(numbers)
    memory = shared_memory.SharedMemory(create=True, size=8 * count)
    try:
        view = memory.buf.cast("d")
        view[:count] = memoryview(numbers)
        begin = time.perf_counter()
        pool.submit(double_shared, memory.name, count).result()
        ms = (time.perf_counter() - begin) * 1000
        total = sum(view[i] for i in range(0, count, STEP))
        view.release()
        return ms, total
    finally:
        memory.close()
        memory.unlink()


def main():
    megabytes, runs = int(sys.argv[1]), int(sys.argv[2])
    count = megabytes * 2**20 // 8
    numbers = (array("d", range(1000)) * (count // 1000 + 1))[:count]
    result = {"megabytes": megabytes, "count": count}
    # One tracker for both processes: the child's own would take the parent's memory for a leak.
    resource_tracker.ensure_running()
    with ProcessPoolExecutor(max_workers=1) as pool:
        pool.submit(ready).result()
        for name, run in (("copy", run_copy), ("shared", run_shared)):
            took = [run(pool, numbers) for _ in range(runs)]
            result[name] = {"ms": [ms for ms, _ in took], "sum": took[-1][1]}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
