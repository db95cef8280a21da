"""Shows what os.fork does: the child goes on with a copy of the parent's variables.

Usage: fork.py VALUE

Prints one line of JSON. The parent: its number, what fork gave it, its variable after the child has changed its own.
The child: its number, its parent's, what fork gave it, the variable as it found it and as it left it.
"""

import json
import os
import sys


def main():
    variable = {"value": int(sys.argv[1])}
    reader, writer = os.pipe()
    given = os.fork()
    if given == 0:
        found = variable["value"]
        variable["value"] += 1
        said = {"pid": os.getpid(), "ppid": os.getppid(), "forkGave": given, "found": found, "left": variable["value"]}
        os.write(writer, json.dumps(said).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        child = json.loads(pipe.read())
    os.waitpid(given, 0)
    parent = {"pid": os.getpid(), "forkGave": given, "variable": variable["value"]}
    print(json.dumps({"parent": parent, "child": child}))


if __name__ == "__main__":
    main()
