// A Figure: plotly's JSON (data, layout, config), which the notebook draws interactively, and the same picture as a
// static SVG for every place that can't run plotly.

import { svg } from "./svg.ts";

/** One plotly trace. `type` says how it is drawn; the rest is plotly's own schema (object titles only). */
export interface Trace {
  type: string;
  [attribute: string]: any;
}

/** Plotly's layout. */
export interface Layout {
  [attribute: string]: any;
}

/** What `update` takes: the parts that change. */
export interface FigurePatch {
  data?: (object | undefined)[];
  layout?: object;
}

export interface FigureInit {
  data: Trace[];
  layout?: Layout;
  config?: object;
  /** One line that says what the picture shows; made from the titles when left out. */
  description?: string;
}

const PLOTLY_MIME = "application/vnd.plotly.v1+json";

/**
 * A picture: plotly's JSON with a static twin.
 *
 * Waits: never. Shown as the value of a cell it is interactive in JupyterLab and Notebook 7; `toSVG()` gives the same
 * picture as text for a file or a web page. The plot functions make figures; the constructor takes any plotly JSON.
 *
 * Gotcha: titles are objects, `{ title: { text: "…" } }`; plotly 4 drops string titles in silence.
 * Throws: TypeError when `data` is not an array of traces.
 * @example
 * const figure = new Figure({ data: [{ type: "bar", x: ["a", "b"], y: [3, 5] }], layout: { title: { text: "Two bars" } } });
 * figure.toSVG().startsWith("<svg"); // true
 */
export class Figure {
  readonly data: Trace[];
  readonly layout: Layout;
  readonly config: object;
  readonly #description: string | undefined;
  readonly #listeners = new Set<() => void>();

  constructor({ data, layout = {}, config = { responsive: true, displaylogo: false }, description }: FigureInit) {
    if (!Array.isArray(data) || data.some((trace) => !isRecord(trace))) {
      throw new TypeError("Figure needs `data` to be an array of plotly traces (objects).");
    }
    this.data = plain(data);
    this.layout = plain(layout);
    this.config = plain(config);
    this.#description = description;
  }

  /** One line of text: what a place without pictures shows. */
  get description(): string {
    if (this.#description !== undefined) return cut(this.#description);
    const names = this.data.map((trace) => trace.name ?? trace.type).join(", ");
    return cut([titleText(this.layout.title), names].filter((part) => part !== "").join(": ")) || "empty figure";
  }

  /**
   * The picture as SVG text, at most 60 kB, with a title and a description for screen readers and a light background
   * of its own. Bars, lines, markers, error bars, boxes, heat maps and tables are drawn; another trace type leaves a note
   * that names it.
   * @example await fs.writeFile("speedup.svg", figure.toSVG());
   */
  toSVG(): string {
    return svg({ data: this.data, layout: this.layout, description: this.description });
  }

  /**
   * Changes the figure in place and tells who watches it: a notebook redraws the output that shows it. Objects are
   * merged, arrays of values replaced; `data[i]` patches trace i (undefined leaves it), traces beyond the last are added.
   * Throws: TypeError when the patch or a part of it is no object; nothing has changed then.
   * @example figure.update({ data: [{ y: [1, 2, 3] }], layout: { title: { text: "Run 2" } } });
   */
  update(patch: FigurePatch): void {
    if (!isRecord(patch)) throw new TypeError(`Figure.update needs { data?, layout? }; got ${describe(patch)}.`);
    if (patch.data !== undefined && !Array.isArray(patch.data)) {
      throw new TypeError(`Figure.update needs \`data\` to be an array of traces; got ${describe(patch.data)}.`);
    }
    const check = (name: string, part: unknown): void => {
      if (part !== undefined && !isRecord(part))
        throw new TypeError(`Figure.update needs \`${name}\` to be an object; got ${describe(part)}.`);
    };
    patch.data?.forEach((part, index) => check(`data[${index}]`, part));
    check("layout", patch.layout);
    patch.data?.forEach((part, index) => {
      if (part === undefined) return;
      if (index < this.data.length) merge(this.data[index]!, part);
      else this.data.push(plain(part as Trace));
    });
    if (patch.layout !== undefined) merge(this.layout, patch.layout);
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after every update. Returns the way to stop. For displays that redraw. */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What a notebook shows: plotly's JSON, the SVG and one line of text. */
  [Symbol.for("Jupyter.display")](): Record<string, unknown> {
    const { data, layout, config } = this;
    return {
      [PLOTLY_MIME]: structuredClone({ data, layout, config }),
      "image/svg+xml": this.toSVG(),
      "text/plain": this.description,
    };
  }

  /** The JSON that plotly draws. */
  toJSON(): object {
    return { data: this.data, layout: this.layout, config: this.config };
  }

  [key: symbol]: unknown;
}

function merge(target: Record<string, any>, patch: object): void {
  for (const [key, value] of Object.entries(patch)) {
    if (key === "__proto__") continue;
    if (isRecord(value) && isRecord(target[key])) merge(target[key], value);
    else target[key] = plain(value);
  }
}

/** A copy with arrays in the place of typed arrays, which JSON turns into objects. */
function plain<T>(value: T): T {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>) as T;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (!isRecord(value) || ![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)])) as T;
}

function isRecord(value: unknown): value is Record<string, any> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function titleText(title: unknown): string {
  return isRecord(title) && typeof title.text === "string" ? title.text : "";
}

/** A long list of values ends in an ellipsis. */
function cut(text: string): string {
  return text.length <= 400 ? text : `${text.slice(0, text.lastIndexOf(" ", 380)).replace(/[,;]$/, "")} …`;
}

function describe(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
