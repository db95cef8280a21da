"""Adds up the squares of 0, 1, … N - 1 as 64-bit floating-point numbers: a loop, and NumPy if it is here.

Usage: million.py N RUNS

Prints one line of JSON: for each way the milliseconds of every run, and the sum.
"""

import json
import sys
import time


def loop(xs):
    total = 0.0
    for x in xs:
        total += x * x
    return total


def main():
    n, runs = int(sys.argv[1]), int(sys.argv[2])
    ways = {"loop": (loop, [float(i) for i in range(n)])}
    try:
        import numpy

        ways["numpy"] = (lambda xs: float(numpy.square(xs).sum()), numpy.arange(n, dtype=numpy.float64))
        version = numpy.__version__
    except ImportError:
        version = None
    result = {"numpyVersion": version}
    for name, (add, xs) in ways.items():
        times = []
        for _ in range(runs):
            begin = time.perf_counter()
            total = add(xs)
            times.append((time.perf_counter() - begin) * 1000)
        result[name] = {"ms": times, "sum": total}
    print(json.dumps(result))


main()
