// What only V8's inspector tells about a function: the variables around it and where it was defined. An in-process
// session answers synchronously; an open one costs running code nothing.

import type * as Inspector from "node:inspector";
import util from "node:util";
import { NotSendableError } from "../errors.ts";

export interface Location {
  readonly scriptId: string;
  /** Zero-based, of the "(" of the parameters; of the start for arrows and for classes without a constructor. */
  readonly line: number;
  readonly column: number;
}

/** One of the scopes around a function, innermost first. */
export interface ScopeView {
  readonly kind: string;
  /** Its variables as own properties; one whose declaration has not run yet throws when read. */
  readonly variables: Record<string, unknown>;
}

export interface FunctionView {
  /** Undefined for native and bound functions. */
  readonly location: Location | undefined;
  readonly scopes: readonly ScopeView[];
}

interface Property {
  name: string;
  value?: { objectId?: string; value?: unknown };
}

let session: Inspector.Session | undefined;
let boxId: string;
// The session can only be handed values through an object that it knows. It is emptied after every use, so that nothing
// of the user's is kept alive by it.
const box: { value: unknown } = { value: undefined };
const GROUP = "braid.ship";

function post<R>(method: string, params?: object): R {
  let answer: { readonly error: Error | null; readonly reply: unknown } | undefined;
  const dispatch = session!.post as (
    method: string,
    params: object | undefined,
    callback: (error: Error | null, reply?: unknown) => void,
  ) => void;
  dispatch.call(session, method, params, (error, reply) => (answer = { error, reply }));
  if (!answer) throw new RangeError("Maximum call stack size exceeded: the inspector can't answer");
  if (answer.error) throw answer.error;
  return answer.reply as R;
}

function open(): void {
  if (session) return;
  if (process.permission && !process.permission.has("inspector"))
    throw new NotSendableError(
      "",
      'A function or class that was made in a sandbox can\'t leave it without the permission "inspector": send plain data.',
    );
  // Not imported, because most threads never need it.
  const { Session } = process.getBuiltinModule("node:inspector");
  session = new Session();
  session.connect();
  const handover = Symbol.for("braid.ship.handover");
  Object.defineProperty(globalThis, handover, { value: box, configurable: true });
  try {
    const expression = 'globalThis[Symbol.for("braid.ship.handover")]';
    boxId = post<{ result: { objectId: string } }>("Runtime.evaluate", { expression }).result.objectId;
  } finally {
    Reflect.deleteProperty(globalThis, handover);
  }
}

/** Looks at a function from outside, without running anything of it. About 50 us. */
export function look(fn: Function): FunctionView {
  open();
  box.value = fn;
  try {
    const { result } = post<{ result: { objectId: string } }>("Runtime.callFunctionOn", {
      objectId: boxId,
      functionDeclaration: "function(){return this.value}",
      objectGroup: GROUP,
    });
    const { internalProperties = [] } = post<{ internalProperties?: Property[] }>("Runtime.getProperties", {
      objectId: result.objectId,
      ownProperties: true,
    });
    let location: Location | undefined;
    let scopes: ScopeView[] = [];
    for (const { name, value } of internalProperties) {
      if (name === "[[FunctionLocation]]") {
        const at = value!.value as { scriptId: string; lineNumber: number; columnNumber: number };
        location = { scriptId: at.scriptId, line: at.lineNumber, column: at.columnNumber };
      } else if (name === "[[Scopes]]") {
        // The list itself is an object of this heap (the trick is Pulumi's): one message instead of one per variable.
        post("Runtime.callFunctionOn", {
          objectId: value!.objectId,
          functionDeclaration: "function(box){box.value=this}",
          arguments: [{ objectId: boxId }],
          silent: true,
        });
        const list = box.value as ArrayLike<{ description: string; object: Record<string, unknown> }>;
        scopes = Array.from(list, ({ description, object }) => ({ kind: description, variables: object }));
      }
    }
    // The last scope is the global one, which is read by name.
    return { location, scopes: scopes.filter(({ kind }) => !kind.startsWith("Global")) };
  } finally {
    box.value = undefined;
    post("Runtime.releaseObjectGroup", { objectGroup: GROUP });
  }
}

let urls = new Map<string, string>();

/** The URL of a script, as far as it can be told without the debugger. */
export function knownUrl(scriptId: string): string | undefined {
  if (!urls.has(scriptId)) {
    // Most closures are made by the code that ships them, and the stack is a thousand times cheaper to ask.
    const sites = util.getCallSites(100);
    const sourceUrls = sites.some(({ scriptName }) => scriptName === "") ? sourceUrlsOnStack() : undefined;
    for (const { scriptId: id, scriptName, lineNumber, columnNumber } of sites) {
      const url = scriptName || sourceUrls?.get(`${lineNumber}:${columnNumber}`);
      if (url) urls.set(id, url);
    }
  }
  return urls.get(scriptId);
}

/** Evaluated code has no name but what its "//# sourceURL=" says, and only the other stack API tells that. By place. */
function sourceUrlsOnStack(): Map<string, string> {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 100;
    Error.prepareStackTrace = (_error, sites) => sites;
    const sites = new Error().stack as unknown as NodeJS.CallSite[];
    return new Map(
      sites.map((site) => [`${site.getLineNumber()}:${site.getColumnNumber()}`, site.getScriptNameOrSourceURL() ?? ""]),
    );
  } finally {
    Object.assign(Error, { prepareStackTrace, stackTraceLimit });
  }
}

/** The URL or file name of a script; "" where it has none. */
export function urlOf(scriptId: string): string {
  let url = knownUrl(scriptId);
  if (url === undefined) {
    withDebugger(() => {});
    url = urls.get(scriptId) ?? "";
    urls.set(scriptId, url);
  }
  return url;
}

/** The source text that V8 runs for a script (after type stripping). */
export function sourceOf(scriptId: string): string {
  return withDebugger(() => post<{ scriptSource: string }>("Debugger.getScriptSource", { scriptId }).scriptSource);
}

/** Enabling the debugger makes V8 tell every script it has: 4 ms, 50 ms the first time (it hashes their sources). */
function withDebugger<R>(body: () => R): R {
  open();
  const known = new Map<string, string>();
  const listener = ({ params }: { params: { scriptId: string; url: string } }): void => {
    known.set(params.scriptId, params.url);
  };
  session!.on("Debugger.scriptParsed", listener);
  try {
    post("Debugger.enable");
    return body();
  } finally {
    post("Debugger.disable");
    session!.off("Debugger.scriptParsed", listener);
    urls = known;
  }
}
