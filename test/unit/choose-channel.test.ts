// chooseChannel: every way through its questions, what it doesn't ask, and bad answers.

import { expect, test } from "vitest";
import { chooseChannel } from "../../lib/index.ts";

test.each([
  [{ shared: false }, "move", [false]],
  [{ shared: false, frequent: true, readMostly: true }, "move", [false]],
  [{ shared: true, frequent: false }, "channel", [true, false]],
  [{ shared: true, frequent: false, readMostly: true }, "channel", [true, false]],
  [{ shared: true, frequent: true }, "guarded", [true, true, false]],
  [{ shared: true, frequent: true, readMostly: false }, "guarded", [true, true, false]],
  [{ shared: true, frequent: true, readMostly: true }, "rwlock", [true, true, true]],
] as const)("%j: %s", (needs, use, answers) => {
  const choice = chooseChannel(needs);
  expect(choice.use).toBe(use);
  expect(choice.asked.map(({ answer }) => answer)).toEqual(answers);
  expect(choice.asked[0]!.question).toBe("Must the data be shared?");
  expect(choice.why).toMatch(/^\w.*\.$/);
});

test("the Rust counterparts are the document's three outcomes and the reader's lock", () => {
  const rust = [
    chooseChannel({ shared: false }),
    chooseChannel({ shared: true, frequent: false }),
    chooseChannel({ shared: true, frequent: true }),
    chooseChannel({ shared: true, frequent: true, readMostly: true }),
  ].map(({ names }) => names.rust);
  expect(rust).toEqual(["move", "mpsc::channel", "Arc<Mutex<T>>", "Arc<RwLock<T>>"]);
});

test.each<[() => unknown, string]>([
  [() => chooseChannel(undefined as any), "Expected the options of chooseChannel to be an object, got undefined"],
  [() => chooseChannel({} as any), 'expects shared to be true or false ("Must the data be shared?"), got undefined.'],
  [() => chooseChannel({ shared: 1 } as any), "got 1."],
  [
    () => chooseChannel({ shared: true }),
    'expects frequent to be true or false ("Is it touched often?"), got undefined.',
  ],
  [() => chooseChannel({ shared: true, frequent: true, often: true } as any), 'has no option "often"'],
])("bad input %#", (f, message) => {
  expect(f).toThrow(TypeError);
  expect(f).toThrow(message);
});
