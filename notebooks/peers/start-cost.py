"""Measures what it costs to start a thread, a forked and a spawned process, until its first message is here.

Usage: start-cost.py RUNS

Prints one line of JSON: for each kind the microseconds of every run, the resident memory of one that waits (a thread's
is the growth of this process by one of 32 that wait), and the sum of the messages: the run's number, from each.
"""

import json
import multiprocessing
import os
import queue
import sys
import threading
import time


def resident():
    """Bytes of this process in memory; None where there is no /proc."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None


def process_main(connection, number):
    connection.send((number, resident()))


def time_thread(number):
    messages = queue.SimpleQueue()
    begin = time.perf_counter()
    thread = threading.Thread(target=messages.put, args=(number,))
    thread.start()
    message = messages.get()
    took = time.perf_counter() - begin
    thread.join()
    return took, message, None


def time_process(method):
    context = multiprocessing.get_context(method)

    def timed(number):
        here, there = context.Pipe()
        begin = time.perf_counter()
        process = context.Process(target=process_main, args=(there, number))
        process.start()
        message, size = here.recv()
        took = time.perf_counter() - begin
        process.join()
        return took, message, size

    return timed


def thread_size():
    count = 32
    started, end = threading.Barrier(count + 1), threading.Event()

    def wait():
        started.wait()
        end.wait()

    before = resident()
    threads = [threading.Thread(target=wait) for _ in range(count)]
    for thread in threads:
        thread.start()
    started.wait()
    after = resident()
    end.set()
    for thread in threads:
        thread.join()
    return None if before is None else max(0, after - before) // count


def main():
    runs = int(sys.argv[1])
    kinds = {"thread": time_thread, "fork": time_process("fork"), "spawn": time_process("spawn")}
    result = {}
    for name, timed in kinds.items():
        took = [timed(number) for number in range(runs)]
        result[name] = {
            "us": [seconds * 1e6 for seconds, _, _ in took],
            "bytes": thread_size() if name == "thread" else took[-1][2],
            "sum": sum(message for _, message, _ in took),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
