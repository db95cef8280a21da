"""Four words from one thread to another, through a queue.Queue that is asked again and again.

Usage: words.py PAUSE_MS WAIT_MS

The sender pauses before each word but the first. The reader goes on while the sender lives or the queue holds something,
waits for a word at most WAIT_MS at a time, and counts how often it woke up for nothing.
Prints one line of JSON: { words: [{ text, ms }], empty }.
"""

import json
import queue
import sys
import threading
import time

WORDS = ["hello", "from", "the", "thread"]


def main():
    pause, wait = (float(text) / 1000 for text in sys.argv[1:3])
    words = queue.Queue()
    begin = time.perf_counter()

    def send():
        for i, text in enumerate(WORDS):
            if i > 0:
                time.sleep(pause)
            words.put(text)

    sender = threading.Thread(target=send)
    sender.start()
    got, empty = [], 0
    while sender.is_alive() or not words.empty():
        try:
            text = words.get(timeout=wait)
            got.append({"text": text, "ms": (time.perf_counter() - begin) * 1000})
        except queue.Empty:
            empty += 1
    sender.join()
    print(json.dumps({"words": got, "empty": empty}))


main()
