// Locks side by side: `npm run bench sync`; the options are in bench/contest.ts.

import { contest } from "../contest.ts";
import { installRivals } from "../pool/set-up.ts";
import { peers, peerVersions } from "./peers.ts";

const CHILD = new URL("./child.ts", import.meta.url);
const rivals = installRivals();
const multithreading = rivals.get("multithreading");

await contest({
  title: "Locks",
  about:
    "A number is incremented under a lock, or as an atomic: by one thread alone, and 100,000 times by each of ten threads. " +
    "Locks are given back by hand, in a finally where the language has it, or with `using`, which costs about 0.1 us in V8 " +
    "whatever it disposes of. The plain increment has no lock, and loses some. Ratios are to the first line of a measure.",
  versions: [`multithreading ${multithreading ?? "not installed"}`, ...peerVersions],
  measures({ node, count }) {
    const contenders = (task: string, times: string) => [
      { name: "Braid, Mutex", command: node(CHILD, task, "Mutex", times) },
      { name: "Braid, Mutex, by using", command: node(CHILD, task, "Mutex-using", times) },
      { name: "Braid, SpinLock", command: node(CHILD, task, "SpinLock", times) },
      { name: "Braid, AtomicI32", command: node(CHILD, task, "AtomicI32", times) },
      { name: "plain", command: node(CHILD, task, "plain", times) },
      {
        name: "multithreading, Mutex",
        command: multithreading ? node(CHILD, task, "multithreading", times) : undefined,
      },
      { name: "Rust, std Mutex", command: peers.rust(task, "std", times) },
      { name: "Rust, parking_lot", command: peers.rust(task, "parking_lot", times) },
      { name: "Rust, atomic", command: peers.rust(task, "atomic", times) },
      { name: "Go, sync.Mutex", command: peers.go(task, "mutex", times) },
      { name: "Go, atomic", command: peers.go(task, "atomic", times) },
      { name: "Python, Lock", command: peers.python(task, "lock", times) },
    ];
    return [
      { name: "alone, ns an increment", contenders: contenders("alone", count(1e6)) },
      { name: "10 threads × 100,000, ms", contenders: contenders("contended", count(1e5)) },
    ];
  },
});
