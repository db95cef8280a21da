"""Measures pages fetched at once on one thread: asyncio with plain streams, no package.

Usage: ten-pages.py URL PAGES

Prints one line of JSON: how many pages came with status 200, their bytes, the time of all in milliseconds, and for each
page from when to when it was on its way.
"""

import asyncio
import json
import sys
import time
from urllib.parse import urlsplit


async def fetch(url):
    begin = time.perf_counter()
    reader, writer = await asyncio.open_connection(url.hostname, url.port or 80)
    path = (url.path or "/") + ("?" + url.query if url.query else "")
    # HTTP/1.0: the page is what comes until the server closes the connection.
    writer.write("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n".format(path, url.netloc).encode())
    await writer.drain()
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), body, begin, time.perf_counter()


async def main():
    url, count = urlsplit(sys.argv[1]), int(sys.argv[2])
    zero = time.perf_counter()
    pages = await asyncio.gather(*(fetch(url) for _ in range(count)))
    ms = (time.perf_counter() - zero) * 1000
    print(
        json.dumps(
            {
                "pages": sum(status == 200 for status, _, _, _ in pages),
                "bytes": sum(len(body) for _, body, _, _ in pages),
                "ms": ms,
                "spans": [
                    {"page": i, "startMs": (begin - zero) * 1000, "endMs": (end - zero) * 1000}
                    for i, (_, _, begin, end) in enumerate(pages)
                ],
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main())
