import { expect, it } from "vitest";
import { Execution } from "../../kernel/front/execution.ts";
import type { ExecutorHost } from "../../kernel/front/executor-host.ts";
import { History } from "../../kernel/front/history.ts";
import { Outbox } from "../../kernel/front/outbox.ts";
import type { Message, Outgoing } from "../../kernel/front/wire.ts";
import { compileCell } from "../../kernel/language/compile.ts";
import type { Language } from "../../kernel/language/language.ts";

it("a cell that waits for an earlier interrupt to be over can be interrupted, too", async () => {
  const { promise: replied, resolve } = Promise.withResolvers<Outgoing>();
  const execution = new Execution({
    outbox: new Outbox(() => {}),
    reply: (_channel, message) => resolve(message),
    language: {
      compile: compileCell,
      check: async (source: string) => ({ ...compileCell(source), warnings: [] }),
      declare() {},
    } as unknown as Language,
    history: new History(),
  });
  const ran: number[] = [];
  execution.attach({
    interruptsDone: new Promise(() => {}),
    interrupt() {},
    run: ({ run }: { run: number }) => ran.push(run),
  } as unknown as ExecutorHost);
  const header = { msg_id: "1", msg_type: "execute_request", session: "s", username: "", date: "", version: "5.4" };
  const message = { header, content: { code: "1 + 1" }, metadata: {}, identities: [] } as unknown as Message;
  execution.enqueue(message);
  await new Promise((done) => setImmediate(done));
  execution.interrupt();
  expect((await replied).content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
  expect(ran).toEqual([]);
});
