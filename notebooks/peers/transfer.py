"""Numbers, one by one, to a thread through queue.Queue, or to a process through multiprocessing.Queue.

Usage: transfer.py threads|processes N RUNS

There is room for 1,024. The clock runs while the receiver is there, from the first number to its sum.
Prints one line of JSON: the milliseconds of every run, and the sum of 0, 1, ... N - 1.
"""

import json
import multiprocessing
import queue
import sys
import threading
import time

ROOM = 1024


def receive(numbers, sums, runs):
    for _ in range(runs):
        sums.put(None)  # it is there
        total = 0
        while (number := numbers.get()) is not None:
            total += number
        sums.put(total)


def main():
    kind, n, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if kind == "threads":
        numbers, sums, start = queue.Queue(ROOM), queue.Queue(), threading.Thread
    else:
        numbers, sums, start = multiprocessing.Queue(ROOM), multiprocessing.Queue(), multiprocessing.Process
    receiver = start(target=receive, args=(numbers, sums, runs))
    receiver.start()
    times = []
    for _ in range(runs):
        sums.get()
        begin = time.perf_counter()
        for i in range(n):
            numbers.put(i)
        numbers.put(None)
        total = sums.get()
        times.append((time.perf_counter() - begin) * 1000)
    receiver.join()
    print(json.dumps({"ms": times, "sum": total}))


if __name__ == "__main__":
    main()
