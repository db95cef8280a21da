"""Measures "pass the id, not the data": doubles numbers that it is told the id of, and gives back an id.

Usage: store-double.py URL ID

URL is a key-value store's, "redis+unix:///path" or the like; at ID it has 64-bit floats. The doubled numbers are put at
"ID_doubled". Prints one line of JSON: that id, and the milliseconds that getting, doubling and putting took. Speaks the
protocol of Redis by itself, as no package is needed for three commands.
"""

import json
import socket
import sys
import time
from array import array


class Store:
    def __init__(self, url):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(url.split("+unix://")[1])
        self.answers = self.socket.makefile("rb")

    def command(self, *parts):
        message = [b"*%d\r\n" % len(parts)]
        for part in parts:
            message += [b"$%d\r\n" % len(part), part, b"\r\n"]
        self.socket.sendall(b"".join(message))
        line = self.answers.readline()
        if line.startswith(b"-") or not line:
            raise RuntimeError(line.decode() or "the store is gone")
        if not line.startswith(b"$"):
            return line[1:].strip()
        length = int(line[1:])
        return None if length < 0 else self.answers.read(length + 2)[:-2]


def main():
    store, name = Store(sys.argv[1]), sys.argv[2].encode()
    begin = time.perf_counter()
    numbers = array("d", store.command(b"GET", name))
    got = time.perf_counter()
    doubled = array("d", (2 * x for x in numbers))
    done = time.perf_counter()
    store.command(b"SET", name + b"_doubled", doubled.tobytes())
    end = time.perf_counter()
    ms = {"get": (got - begin) * 1000, "double": (done - got) * 1000, "put": (end - done) * 1000}
    print(json.dumps({"id": (name + b"_doubled").decode(), "ms": ms}))


if __name__ == "__main__":
    main()
