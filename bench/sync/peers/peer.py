# The same work in Python: `peer.py task way count`. The last line of the output is the report.

import json
import multiprocessing
import queue
import sys
import threading
import time

THREADS = 10


def repeat(run):
    """The median of five runs, or of as many as there is time for; warmed up first. A run gives its figure."""
    start = time.perf_counter()
    for _ in range(3):
        if time.perf_counter() - start < 1:
            run()
    took, start = [], time.perf_counter()
    while len(took) < 5 and (not took or time.perf_counter() - start < 4):
        took.append(run())
    return sorted(took)[len(took) // 2]


def alone(count):
    """ns an increment."""
    lock, n = threading.Lock(), 0
    start = time.perf_counter()
    for _ in range(count):
        with lock:
            n += 1
    took = time.perf_counter() - start
    assert n == count
    return took / count * 1e9


def contended(count):
    """ms for all increments; count is what each thread does."""
    lock, n = threading.Lock(), 0

    def work():
        nonlocal n
        for _ in range(count):
            with lock:
                n += 1

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    assert n == THREADS * count
    return took * 1e3


def number(i):
    return i


def parcel(i):
    return {"id": i, "name": f"parcel {i}", "values": [i + at for at in range(10)]}


def weigh_parcel(p):
    return p["id"] + len(p["name"]) + sum(p["values"])


def produce(channel, message, first, count):
    for i in range(first, first + count):
        channel.put(message(i))


def consume(channel, weigh, count, results):
    total = 0
    for _ in range(count):
        total += weigh(channel.get())
    results.put(total)


def answer(there, back, count):
    for _ in range(count):
        back.put(there.get())


def kinds(way):
    """What makes a thread or process, and what makes a channel for them."""
    if way == "multiprocessing":
        context = multiprocessing.get_context("fork")
        return context.Process, context.Queue
    return threading.Thread, queue.Queue


def stream(way, ends, count, message, weigh):
    """ns a message."""
    worker, channel_of = kinds(way)
    expected = sum(weigh(message(i)) for i in range(count))
    channel, results = channel_of(1024), channel_of()
    share = count // ends
    workers = []
    for n in range(ends):
        workers.append(worker(target=produce, args=(channel, message, n * share, share)))
        workers.append(worker(target=consume, args=(channel, weigh, share, results)))
    start = time.perf_counter()
    for one in workers:
        one.start()
    total = sum(results.get() for _ in range(ends))
    took = time.perf_counter() - start
    for one in workers:
        one.join()
    assert total == expected
    return took / count * 1e9


def trips(way, count):
    """ns a trip."""
    worker, channel_of = kinds(way)
    there, back = channel_of(16), channel_of(16)
    other = worker(target=answer, args=(there, back, count))
    other.start()
    start = time.perf_counter()
    total = 0
    for i in range(count):
        there.put(i)
        total += back.get()
    took = time.perf_counter() - start
    other.join()
    assert total == count * (count - 1) // 2
    return took / count * 1e9


if __name__ == "__main__":
    task, way, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tasks = {
        "alone": lambda: alone(count),
        "contended": lambda: contended(count),
        "stream": lambda: stream(way, 1, count, number, number),
        "four": lambda: stream(way, 2, count, number, number),
        "objects": lambda: stream(way, 1, count, parcel, weigh_parcel),
        "trip": lambda: trips(way, count),
    }
    print(json.dumps({"figure": repeat(tasks[task])}))
