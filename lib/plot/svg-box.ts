// Box plots as SVG, from quartiles and fences that are given, as plot.box gives them.

import type { Trace } from "./figure.ts";
import { attribute } from "./svg-marks.ts";
import type { Axis } from "./svg-axis.ts";
import { px } from "./svg-text.ts";

export function boxes(trace: Trace, x: Axis, y: Axis): string {
  const names: readonly unknown[] = trace.x ?? (trace.median ?? []).map((_: unknown, index: number) => index);
  const half = Number(trace.width ?? 0.5) / 2;
  const reach = half * Number(trace.whiskerwidth ?? 0.5);
  let [fills, lines] = ["", ""];
  names.forEach((name, index) => {
    const middle = x.inner(name);
    const at = ["lowerfence", "q1", "median", "q3", "upperfence"].map((key) => y.inner(trace[key]?.[index]));
    if (middle === undefined || at.some((one) => one === undefined)) return;
    const [low, q1, median, q3, high] = at.map((one) => px(y.pixel(one!)));
    const across = (part: number): string => px(x.pixel(middle + part));
    fills += `M${across(-half)} ${q1}H${across(half)}V${q3}H${across(-half)}z`;
    lines +=
      `M${across(-half)} ${median}H${across(half)}M${across(0)} ${q1}V${low}M${across(0)} ${q3}V${high}` +
      `M${across(-reach)} ${low}H${across(reach)}M${across(-reach)} ${high}H${across(reach)}`;
  });
  const stroke = `stroke="${attribute(trace.line?.color)}" stroke-width="${px(Number(trace.line?.width ?? 2))}"`;
  return `<path class="box" d="${fills}" fill="${attribute(trace.fillcolor ?? "none")}" ${stroke}/><path d="${lines}" fill="none" ${stroke}/>`;
}
