import { describe, expect, it } from "vitest";
import { CellSources } from "../../kernel/front/cell-errors.ts";
import { History } from "../../kernel/front/history.ts";
import { charactersToOffset, offsetToCharacters } from "../../kernel/front/offsets.ts";
import { Outbox } from "../../kernel/front/outbox.ts";
import { type Header, type Outgoing, Wire } from "../../kernel/front/wire.ts";

const header: Header = {
  msg_id: "1",
  msg_type: "execute_request",
  session: "s",
  username: "u",
  date: "d",
  version: "5.4",
};

function frames(message: (Buffer | string)[]): Buffer[] {
  return message.map((frame) => Buffer.from(frame));
}

describe("Wire", () => {
  it("reads what it has written, identities, parent and buffers included", () => {
    const wire = new Wire("key");
    const sent = wire.encode({
      type: "t",
      content: { a: "ü" },
      parent: header,
      identities: ["id"],
      buffers: [Buffer.from([1, 2])],
    });
    expect(wire.decode(frames(sent))).toMatchObject({
      identities: [Buffer.from("id")],
      header: { msg_type: "t" },
      parentHeader: header,
      content: { a: "ü" },
      buffers: [Buffer.from([1, 2])],
    });
  });

  it("ignores another key's signature, a changed message, and malformed frames", () => {
    const wire = new Wire("key");
    const sent = frames(wire.encode({ type: "t", content: {} }));
    expect(new Wire("other").decode(sent)).toBeUndefined();
    expect(wire.decode(sent.map((frame, i) => (i === 5 ? Buffer.from('{"x":1}') : frame)))).toBeUndefined();
    expect(wire.decode(sent.slice(0, 4))).toBeUndefined();
    expect(wire.decode([])).toBeUndefined();
    const unsigned = new Wire("");
    expect(unsigned.decode(frames(["<IDS|MSG>", "", "{", "{}", "{}", "{}"]))).toBeUndefined();
    expect(unsigned.decode(frames(["<IDS|MSG>", "", "{}", "{}", "{}", "{}"]))).toBeUndefined();
  });
});

describe("Outbox", () => {
  const collect = () => {
    const sent: Outgoing[] = [];
    return { sent, outbox: new Outbox((message) => sent.push(message)) };
  };

  it("joins text of one stream, and sends it before anything else", () => {
    const { sent, outbox } = collect();
    outbox.stream("stdout", "a", header);
    outbox.stream("stdout", "b", header);
    outbox.stream("stderr", "c", header);
    outbox.status("idle", header);
    expect(sent.map(({ content }) => content)).toEqual([
      { name: "stdout", text: "ab" },
      { name: "stderr", text: "c" },
      { execution_state: "idle" },
    ]);
  });

  it("never joins the text of two cells", () => {
    const { sent, outbox } = collect();
    outbox.stream("stdout", "a", header);
    outbox.stream("stdout", "b", { ...header, msg_id: "2" });
    outbox.flush();
    expect(sent.map(({ parent }) => parent!.msg_id)).toEqual(["1", "2"]);
  });

  it("sends by itself soon, and at once when much has gathered", async () => {
    const { sent, outbox } = collect();
    outbox.stream("stdout", "x".repeat(70_000), header);
    expect(sent).toHaveLength(1);
    outbox.stream("stdout", "y", header);
    await expect.poll(() => sent.length).toBe(2);
  });
});

describe("History", () => {
  const history = new History();
  ["1", "12", "let a", "12"].forEach((source, index) => history.add(index + 1, source));

  it("answers tail, range and search", () => {
    expect(history.answer({ hist_access_type: "tail", n: 2 })).toEqual([
      [1, 3, "let a"],
      [1, 4, "12"],
    ]);
    expect(history.answer({ hist_access_type: "range", start: 2, stop: 3 })).toEqual([[0, 2, "12"]]);
    expect(history.answer({ hist_access_type: "search", pattern: "1?", output: true })).toEqual([
      [1, 2, ["12", null]],
      [1, 4, ["12", null]],
    ]);
    expect(history.answer({ hist_access_type: "search", pattern: "1*", unique: true })).toHaveLength(2);
    expect(history.answer({ hist_access_type: "search", pattern: "let (" })).toEqual([]);
  });
});

describe("offsets", () => {
  it("count an astral character once on the wire and twice in JavaScript", () => {
    expect(charactersToOffset("𝒳a", 1)).toBe(2);
    expect(offsetToCharacters("𝒳a", 3)).toBe(2);
    expect(charactersToOffset("ab", 99)).toBe(2);
  });
});

describe("CellSources", () => {
  it("shows the guilty line with a caret under the column", () => {
    const sources = new CellSources();
    sources.add("cell-1.ts", "first\nsecond", undefined);
    const { traceback, evalue } = sources.problems("cell-1.ts", "TypeScriptError", [
      { code: "TS1", message: "no", line: 2, column: 3 },
    ]);
    expect(evalue).toBe("cell-1.ts:2:3 - TS1: no");
    const plain = traceback.map((line) => line.replaceAll(/\x1b\[\d+m/g, ""));
    expect(plain).toEqual(["TypeScriptError cell-1.ts:2:3 - TS1: no", "  1 | first", "> 2 | second", "    |   ^"]);
  });
});
