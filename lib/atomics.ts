// The one file of the library that names Atomics: the explorer of interleavings puts its own in their place.

export const load: typeof Atomics.load = Atomics.load;
export const store: typeof Atomics.store = Atomics.store;
export const add: typeof Atomics.add = Atomics.add;
export const sub: typeof Atomics.sub = Atomics.sub;
export const exchange: typeof Atomics.exchange = Atomics.exchange;
export const compareExchange: typeof Atomics.compareExchange = Atomics.compareExchange;
export const wait: typeof Atomics.wait = Atomics.wait;
export const waitAsync: typeof Atomics.waitAsync = Atomics.waitAsync;
export const notify: typeof Atomics.notify = Atomics.notify;
