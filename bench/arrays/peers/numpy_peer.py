# The same work with NumPy: `numpy_peer.py workload n threads measureMs`. The last line of the output is the report.
# One thread: NumPy's loops have no more.

import json
import sys
import time

import numpy as np

COLUMNS, ITERATIONS, FEWEST, MOST = 1000, 100, 3, 1000

workload, n, measure_ms = sys.argv[1], int(sys.argv[2]), int(sys.argv[4])


def x():
    return (np.arange(n, dtype=np.int64) * 7919 % 1000) / 2


def y():
    return (np.arange(n) % 100).astype(np.float64)


def check(results):
    return [float(np.dot(results.astype(np.float64), np.arange(len(results)) % 7 + 1)), float(results[-1])]


def runs(before, run):
    took = []
    end = time.perf_counter() + measure_ms / 1e3
    while len(took) < FEWEST or (len(took) < MOST and time.perf_counter() < end):
        before()
        start = time.perf_counter()
        run()
        took.append((time.perf_counter() - start) * 1e3)
    return took


def timed(run, before=lambda: None):
    runs(before, run)
    return runs(before, run)


def sums(f):
    xs, result = x(), []
    ms = timed(lambda: result.append(f(xs)))
    return ms, [float(result[-1])]


def mapped(f):
    xs, out = x(), np.empty(n)
    return timed(lambda: f(xs, out)), check(out)


def sqrt(xs, out):
    np.sqrt(xs, out=out)
    np.multiply(out, 3, out=out)
    np.add(out, 1, out=out)


def conditional(xs, out):
    out[:] = np.where(xs > 250, xs * 2, xs + 100)


def saxpy(kind):
    xs, ys = x().astype(kind), y().astype(kind)
    two = kind(2)

    def run():
        np.add(ys, two * xs, out=ys)

    ms = timed(run)
    ys[:] = y()
    run()
    return ms, check(ys)


def rows():
    xs, out = x().reshape(-1, COLUMNS), np.empty(n // COLUMNS)
    return timed(lambda: xs.sum(axis=1, out=out)), check(out)


def mandelbrot():
    height, out = n // COLUMNS, np.empty(n, dtype=np.int32)

    def run():
        i = np.arange(n)
        cx, cy = -2 + 2.5 * (i % COLUMNS) / COLUMNS, -1.25 + 2.5 * (i // COLUMNS) / height
        zx, zy, k = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int32)
        at = i
        for _ in range(ITERATIONS):
            inside = zx * zx + zy * zy <= 4
            at, cx, cy, zx, zy = at[inside], cx[inside], cy[inside], zx[inside], zy[inside]
            k[at] += 1
            zx, zy = zx * zx - zy * zy + cx, 2 * zx * zy + cy
        out[:] = k

    return timed(run), check(out)


def to_sort(kind):
    state, all_ = 2463534242, np.empty(n)
    for i in range(n):
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        all_[i] = state / 2**32
    i = np.arange(n)
    square = all_ * all_
    return {
        "skewed": lambda: square * square * square * square,
        "distinct": lambda: np.floor(all_ * 100),
        "zipf": lambda: np.minimum(1e6, np.floor(1 / (all_ + 2**-33))),
        "sorted": lambda: i / 2,
        "reversed": lambda: (n - i) / 2,
    }.get(kind, lambda: all_)()


def sort():
    values, array = to_sort(workload.removeprefix("sort-")), np.empty(n)

    def before():
        array[:] = values

    return timed(array.sort, before), check(array)


WORKLOADS = {
    "map-sum": lambda: sums(lambda xs: (xs * 2 + 1).sum()),
    "squares": lambda: sums(lambda xs: np.dot(xs, xs)),
    "sqrt": lambda: mapped(sqrt),
    "conditional": lambda: mapped(conditional),
    "saxpy64": lambda: saxpy(np.float64),
    "saxpy32": lambda: saxpy(np.float32),
    "rows": rows,
    "mandelbrot": mandelbrot,
}
ms, checks = WORKLOADS.get(workload, sort)()
print("\n" + json.dumps({"ms": ms, "checks": checks}))
