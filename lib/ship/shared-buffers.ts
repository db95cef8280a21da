// Shared memory inside messages. Bytes in a channel can only name it: the memory itself goes to all threads that have
// channels, by a broadcast that a thread which blocks can read, too. A thread that came later asks for it.

import { BroadcastChannel, receiveMessageOnPort, threadId } from "node:worker_threads";
import { waitUncounted } from "../atomics.ts";
import { ThreadCrashedError } from "../errors.ts";
import { places, type SharedPlace } from "../memory/place.ts";

interface Post {
  readonly id: string;
  /** Without it the post is a question. Memory of a shared() array goes as what it is. */
  readonly memory?: SharedArrayBuffer | SharedPlace;
}

/** So many are held for who has not received their message yet. */
const HELD = 1024;
const ASK_AGAIN_MS = 20;
const GIVE_UP_MS = 5000;

let count = 0;
let posts: BroadcastChannel | undefined;
const ids = new WeakMap<SharedArrayBuffer, string>();
const held = new Map<string, SharedArrayBuffer>();
const known = new Map<string, WeakRef<SharedArrayBuffer>>();
const gone = new FinalizationRegistry<string>((id) => {
  if (!known.get(id)?.deref()) known.delete(id);
});
const nobody = new Int32Array(new SharedArrayBuffer(4));

/** From now on this thread hears of shared memory. */
export function listenForBuffers(): void {
  if (posts) return;
  posts = new BroadcastChannel(`braid.shared-buffers.${process.pid}`);
  posts.onmessage = (event: unknown) => heard((event as { data: Post }).data);
  posts.unref();
}

/** The name of this memory for all threads. */
export function idOfBuffer(buffer: SharedArrayBuffer): string {
  let id = ids.get(buffer);
  if (id !== undefined) return id;
  id = `${threadId}/${++count}`;
  remember(id, buffer);
  post(id, buffer);
  return id;
}

export function bufferById(id: string): SharedArrayBuffer {
  const endMs = performance.now() + GIVE_UP_MS;
  for (let buffer = find(id); ; buffer = find(id)) {
    if (buffer) return buffer;
    if (performance.now() > endMs)
      throw new ThreadCrashedError(
        "A message holds shared memory that no thread has any more, or that only a busy one has.",
      );
    posts!.postMessage({ id } satisfies Post);
    waitUncounted(nobody, 0, 0, ASK_AGAIN_MS);
  }
}

function find(id: string): SharedArrayBuffer | undefined {
  const buffer = held.get(id) ?? known.get(id)?.deref();
  if (buffer) return buffer;
  for (let post = receiveMessageOnPort(posts as never); post; post = receiveMessageOnPort(posts as never))
    heard(post.message as Post);
  return held.get(id);
}

function post(id: string, buffer: SharedArrayBuffer): void {
  posts!.postMessage({ id, memory: places.of(buffer) ?? buffer } satisfies Post);
}

function heard({ id, memory }: Post): void {
  if (memory) {
    if (!held.has(id)) remember(id, "memory" in memory ? places.receive(memory) : memory);
    return;
  }
  const wanted = held.get(id) ?? known.get(id)?.deref();
  if (wanted) post(id, wanted);
}

function remember(id: string, buffer: SharedArrayBuffer): void {
  if (held.has(id) || known.get(id)?.deref()) return;
  ids.set(buffer, id);
  held.set(id, buffer);
  known.set(id, new WeakRef(buffer));
  gone.register(buffer, id);
  if (held.size > HELD) held.delete(held.keys().next().value!);
}
