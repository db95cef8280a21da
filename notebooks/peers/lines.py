"""One of four workers of one line protocol, in Python: measures that languages can be mixed.

A line "ID N" is answered with "ID SUM": the sum of i * i mod 1000003 for all i below N. When its input ends it prints
one line of JSON: its language and how many lines it has answered.
"""

import json
import sys

MODULUS = 1_000_003


def main():
    answered = 0
    for line in sys.stdin:
        name, n = line.split()
        print(name, sum(i * i % MODULUS for i in range(int(n))), flush=True)
        answered += 1
    print(json.dumps({"language": "python", "answered": answered}))


if __name__ == "__main__":
    main()
