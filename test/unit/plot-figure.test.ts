// What a Figure takes: typed arrays as arrays, and patches that are checked before anything changes.

import { describe, expect, it } from "vitest";
import { Figure } from "../../lib/plot/index.ts";

describe("typed arrays", () => {
  it.each(["scatter", "bar"])("are drawn by a %s and in the JSON like arrays", (type) => {
    const make = (list: (...numbers: number[]) => ArrayLike<number>): Figure => {
      const error_y = { array: list(0.1, 0.2) };
      return new Figure({
        data: [{ type, x: list(1, 2), y: list(3, 4), error_y }],
        layout: { yaxis: { range: list(0, 5) } },
      });
    };
    const figure = make((...numbers) => Float64Array.from(numbers));
    const plain = make((...numbers) => numbers);
    expect(JSON.stringify(figure)).toBe(JSON.stringify(plain));
    expect(figure.toSVG()).toBe(plain.toSVG());
  });

  it("come by update, too", () => {
    const figure = new Figure({ data: [{ type: "scatter", y: [1] }] });
    figure.update({
      data: [
        { y: Float32Array.of(1, 2), marker: { size: 3 } },
        { type: "bar", y: Int32Array.of(5) },
      ],
    });
    expect(figure.data).toEqual([
      { type: "scatter", y: [1, 2], marker: { size: 3 } },
      { type: "bar", y: [5] },
    ]);
  });
});

it("a figure's updates leave the objects alone that it was made of; dates stay dates", () => {
  const x = [new Date(0)];
  const trace = { type: "scatter", x, y: [1] };
  const figure = new Figure({ data: [trace] });
  figure.update({ data: [{ y: [2] }] });
  expect(trace.y).toEqual([1]);
  expect(figure.data[0]!.x).toEqual(x);
});

it.each<[object, string]>([
  [{ data: [{ y: [9] }, null] }, "`data[1]` to be an object; got null"],
  [{ data: [{ y: [9] }, [1, 2]] }, "`data[1]` to be an object; got an array"],
  [{ data: [{ y: [9] }], layout: null }, "`layout` to be an object; got null"],
])("update(%j) is refused, and nothing has changed", (patch, text) => {
  const figure = new Figure({ data: [{ type: "bar", y: [1] }] });
  expect(() => figure.update(patch)).toThrow(new TypeError(`Figure.update needs ${text}.`));
  expect(figure.data).toEqual([{ type: "bar", y: [1] }]);
});
