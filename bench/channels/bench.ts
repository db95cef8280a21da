// Channels side by side: `npm run bench channels`; the options are in bench/contest.ts.

import { spawnSync } from "node:child_process";
import { contest, type Contender, type Measure } from "../contest.ts";
import { installRivals } from "../pool/set-up.ts";
import { peers, peerVersions } from "../sync/peers.ts";
import { BATCH, WAYS } from "./ways.ts";

const CHILD = new URL("./child.ts", import.meta.url);
const rivals = installRivals();
/** Where threads can be given their cores: Linux. */
const canPin = spawnSync("taskset", ["-c", "0,1", "true"]).status === 0;

await contest({
  title: "Channels",
  about:
    "Nanoseconds a message, which is milliseconds for a million: numbers from thread to thread, each visible at once, with room " +
    `for 1024; in batches of ${BATCH}; between two threads on either side; without room; there and back over two channels; and objects ` +
    "`{ id, name, values[10] }`, which are made, sent, received and added up. Threads run where the system lets them, or have a core " +
    "each (two cores), or one in common (one core). Slow ways send fewer messages. Ratios are to the first line of a measure.",
  versions: [
    ...["ringbuf.js", "multithreading"].map((name) => `${name} ${rivals.get(name) ?? "not installed"}`),
    ...peerVersions,
  ],
  measures({ node, count }) {
    type Command = readonly string[] | undefined;
    const js = (task: string, way: string, full: number): Contender => {
      const rival = way.split(",")[0]!;
      const isThere = !(way in WAYS ? rivals.has(rival) : true) || rivals.get(rival) !== undefined;
      const messages = Math.ceil(Number(count(full)) / BATCH) * BATCH;
      return { name: way, command: isThere ? node(CHILD, task, way, String(messages)) : undefined };
    };
    const rust = (task: string, name: string, way: string, full: number): Contender => ({
      name: `Rust, ${name}`,
      command: peers.rust(task, way, count(full)),
    });
    const go = (task: string, full: number): Contender => ({
      name: "Go, chan",
      command: peers.go(task, "chan", count(full)),
    });
    const python = (task: string, way: string, full: number): Contender => ({
      name: `Python, ${way}`,
      command: peers.python(task, way, count(full)),
    });
    /** The same where the threads have a core each, and where they have one in common. */
    const pinned = (name: string, contenders: Contender[]): Measure[] => {
      const on = (wrap: (command: readonly string[]) => Command): Contender[] =>
        contenders.map((one) => ({ name: one.name, command: one.command && wrap(one.command) }));
      if (!canPin) return [{ name, contenders }];
      return [
        { name, contenders },
        // Go moves goroutines between threads: it has no threads to be given a core.
        {
          name: `${name}, two cores`,
          contenders: on((command) => ["env", "BENCH_PIN=1", ...command]).filter(
            (one) => !/^(Go|Python|multi)/.test(one.name),
          ),
        },
        { name: `${name}, one core`, contenders: on((command) => ["taskset", "-c", "0", ...command]) },
      ];
    };
    const million = 1e6;
    const stream = [
      js("stream", "Braid", million),
      js("stream", "ringbuf.js", million),
      rust("stream", "crossbeam bounded", "crossbeam", million),
      rust("stream", "std sync_channel", "sync_channel", million),
      go("stream", million),
    ];
    const others = [
      js("stream", "postMessage", million),
      js("stream", "receiveMessageOnPort", million),
      js("stream", "multithreading", 1e5),
      python("stream", "queue", 1e5),
      python("stream", "multiprocessing", 1e5),
      rust("stream", "std mpsc", "mpsc", million),
      rust("stream", "Mutex<VecDeque> and Condvar", "deque", million),
    ];
    const trips = [
      js("trip", "Braid", 1e5),
      js("trip", "receiveMessageOnPort", 1e4),
      js("trip", "postMessage", 1e4),
      rust("trip", "crossbeam bounded", "crossbeam", 1e5),
      rust("trip", "std sync_channel", "sync_channel", 1e5),
      go("trip", 1e5),
      python("trip", "queue", 1e4),
    ];
    const [free, ...placed] = pinned("numbers, one to one", stream);
    return [
      { ...free!, contenders: [...free!.contenders, ...others] },
      ...placed,
      {
        name: `numbers, batches of ${BATCH}`,
        contenders: [
          js("stream", "Braid, batches", million),
          js("stream", "ringbuf.js, lists", million),
          js("stream", "postMessage, lists", million),
          js("stream", "receiveMessageOnPort, lists", million),
          rust("stream", "crossbeam bounded, one by one", "crossbeam", million),
        ],
      },
      {
        name: "numbers, two to two",
        contenders: [
          js("four", "Braid", million),
          js("four", "multithreading", 1e5),
          rust("four", "crossbeam bounded", "crossbeam", million),
          rust("four", "Mutex<VecDeque> and Condvar", "deque", million),
          go("four", million),
          python("four", "queue", 1e5),
        ],
      },
      {
        name: "numbers, without room",
        contenders: [
          js("rendezvous", "Braid", 1e5),
          rust("rendezvous", "crossbeam bounded(0)", "crossbeam", 1e5),
          rust("rendezvous", "std sync_channel(0)", "sync_channel", 1e5),
          go("rendezvous", 1e5),
        ],
      },
      ...pinned("there and back", trips),
      {
        name: "objects",
        contenders: [
          js("objects", "Braid", 1e5),
          js("objects", "Braid, schema", 1e5),
          js("objects", "postMessage", 1e5),
          js("objects", "receiveMessageOnPort", 1e5),
          js("objects", "multithreading", 1e4),
          python("objects", "queue", 1e5),
          python("objects", "multiprocessing", 1e4),
          rust("objects", "crossbeam bounded", "crossbeam", 1e5),
          rust("objects", "std mpsc", "mpsc", 1e5),
          go("objects", 1e5),
        ],
      },
    ];
  },
});
