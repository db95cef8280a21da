"""Shows that a lambda can't be sent to another process, and a function of a module can.

Usage: pickle-lambda.py N

Prints one line of JSON: the error of the guide's example, `map(lambda x: x * 2, range(N))` on a ProcessPoolExecutor, and
the results of the same with a function that has a name.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor


def double(x):
    return x * 2


double_unnamed = lambda x: x * 2  # noqa: E731


def main():
    n = int(sys.argv[1])
    error = None
    with ProcessPoolExecutor(max_workers=2) as pool:
        try:
            list(pool.map(double_unnamed, range(n)))
        except Exception as caught:  # its class is another one in other versions of Python
            error = {"class": type(caught).__name__, "message": str(caught)}
        results = list(pool.map(double, range(n)))
    print(json.dumps({"error": error, "results": results}))


if __name__ == "__main__":
    main()
