"use strict";
/** The record of `compare`: variants of one job side by side. */

/** "tp 4 · recompute full": the values that make a variant. */
function variantName(variant) {
  const name = Object.entries(variant.variant || {}).map(([key, value]) => `${words(key)} ${value}`).join(" · ");
  return name || "the job";
}

const kCompareRows = [
  ["fits", (v) => v.estimate.memory.verdict, null],
  ["step, s", (v) => v.estimate.step.time_s, significant, "least"],
  ["band, s", (v) => `${significant(v.estimate.step.time_low_s)} – ${significant(v.estimate.step.time_high_s)}`, null],
  ["tokens/s per device", (v) => v.estimate.step.tokens_per_s_per_device, significant, "most"],
  ["MFU", (v) => v.estimate.step.mfu, percent, "most"],
  ["memory needed, GiB", (v) => (v.estimate.memory.reserved_bytes + v.estimate.memory.context_bytes) / 2 ** 30, (x) => fixed(x, 1)],
  ["of GiB", (v) => v.estimate.memory.capacity_bytes / 2 ** 30, (x) => fixed(x, 1)],
  ["devices", (v) => v.estimate.job.devices, fixed],
  ["largest micro-batch", (v) => v.largest_micro_batch, fixed],
  ["longest sequence", (v) => v.longest_sequence, fixed],
  ["days for 1 T tokens", (v) => v.days_per_1e12_tokens, significant],
  ["USD for 1 T tokens", (v) => v.dollars_per_1e12_tokens, inSi],
  ["speed-up", (v) => v.speedup, (x) => fixed(x, 2)],
  ["efficiency", (v) => v.efficiency, percent],
];

function bestOf(variants, of, which) {
  const values = variants.filter((v) => v.legal && v.fits).map(of).filter(isNumber);
  return values.length > 1 ? Math[which === "least" ? "min" : "max"](...values) : undefined;
}

function compareTable(variants) {
  const rows = [];
  for (const [name, of, format, which] of kCompareRows) {
    const best = which && bestOf(variants, of, which);
    const cells = variants.map((v) => {
      if (!v.legal) return name === "fits" ? {text: "refused", class: "no"} : kNone;
      const value = of(v);
      if (value === null || value === undefined) return kNone;
      if (!format) return {text: value, class: name === "fits" && !v.fits ? "no" : undefined};
      return {text: format(value), class: best !== undefined && value === best ? "best" : undefined};
    });
    if (cells.some((cell) => cell !== kNone)) rows.push({cells: [name, ...cells]});
  }
  return {caption: "The variants side by side", columns: [{title: ""}, ...variants.map((v) => ({title: variantName(v)}))], rows};
}

const kCompareParts = [["compute", "compute", "c1"], ["tp exposed", "tp_exposed", "c2"], ["cp exposed", "cp_exposed", "c6"],
  ["ep exposed", "ep_exposed", "c3"], ["pp exposed", "pp_exposed", "c5"], ["dp exposed", "dp_exposed", "c7"],
  ["bubble", "bubble", "c4"], ["optimizer", "optimizer", "c8"], ["host and the rest", "overhead", "c9"]];

function compareSteps(legal) {
  const parts = kCompareParts.filter(([, key]) => legal.some((v) => v.estimate.step.breakdown_s[key] > 0.0005 * v.estimate.step.time_s));
  const names = legal.map((v) => variantName(v) + (v.fits ? "" : " ✗"));
  const make = () => ({
    grid: {left: 8, right: 24, top: 8, bottom: 40, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "shadow"},
      formatter: (points) => {
        const {step} = legal[points[0].dataIndex].estimate;
        return tip([points[0].name, ...points.map((point) => `${point.seriesName}: ${seconds(point.value)}`),
          `step ${seconds(step.time_s)} (${seconds(step.time_low_s)} – ${seconds(step.time_high_s)})`]);
      }},
    xAxis: styledAxis({type: "value", axisLabel: {formatter: (value) => value + " s", hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: names, axisLabel: {color: colour("ink"), width: 150, overflow: "truncate"},
      splitLine: {show: false}}),
    series: parts.map(([name, key, shade]) => ({name, type: "bar", stack: "step", barMaxWidth: 26,
      data: legal.map((v) => ({value: v.estimate.step.breakdown_s[key], itemStyle: {color: colour(shade), opacity: v.fits ? 1 : 0.4}})),
      itemStyle: {color: colour(shade)}})),
  });
  return figure({title: "Where the steps go", about: "Pale bars, with ✗, do not fit: the step that they would take with enough memory.",
    height: 96 + Math.max(2, legal.length) * (legal.length > 12 ? 24 : 36), make,
    table: {caption: "Where the steps go, seconds", columns: [{title: "variant"}, ...parts.map(([name]) => ({title: name})), {title: "step"}],
      rows: legal.map((v) => ({cells: [variantName(v), ...parts.map(([, key]) => significant(v.estimate.step.breakdown_s[key])),
        significant(v.estimate.step.time_s)]}))}});
}

function compareMemory(legal) {
  const rows = legal.map((v) => ({name: variantName(v) + (v.fits ? "" : " ✗"), parts: v.estimate.memory,
    peak: v.estimate.memory.peak_bytes, context: v.estimate.memory.context_bytes}));
  const capacities = new Set(legal.map((v) => v.estimate.memory.capacity_bytes));
  if (capacities.size !== 1) return null;
  const [capacity] = capacities;
  const unit = byteUnit(capacity);
  return memoryChart(rows, capacity, {title: "Memory of one device", about: "On each variant's fullest stage. The line is what there is.",
    table: {caption: `Memory on the fullest stage, ${unit.name}`,
      columns: [{title: "variant"}, ...kMemoryParts.map(([name]) => ({title: name})), {title: "peak"}],
      rows: rows.map((row) => ({cells: [row.name, ...kMemoryParts.map(([, key]) => inUnit(row.parts[key], unit)), inUnit(row.peak, unit)]}))}});
}

/** Tokens per second against devices, where the number of devices is what differs. */
function scalingFigure(legal) {
  const points = legal.map((v) => [v.estimate.job.devices, v.estimate.step.tokens_per_s, v.fits, variantName(v)]).sort((a, b) => a[0] - b[0]);
  if (new Set(points.map(([devices]) => devices)).size < 2) return null;
  const [first] = points;
  const make = () => ({
    tooltip: {...chartBase().option.tooltip, formatter: ({value}) => tip([value[3] || "", `${fixed(value[0])} devices: ${inSi(value[1])} tokens/s`])},
    grid: {left: 8, right: 32, top: 24, bottom: 40, containLabel: true},
    xAxis: styledAxis({type: "log", name: "devices", nameLocation: "middle", nameGap: 26, min: "dataMin", max: "dataMax",
      axisLabel: {formatter: (value) => fixed(value), hideOverlap: true}}),
    yAxis: styledAxis({type: "log", axisLabel: {formatter: (value) => inSi(value)}, min: (range) => range.min / 1.3}),
    series: [{name: "predicted", type: "line", color: colour("c1"), symbolSize: 9, data: points.map((p) => ({value: p, symbol: p[2] ? "circle" : "emptyCircle"}))},
      {name: "proportional", type: "line", color: colour("faint"), symbol: "none", lineStyle: {type: "dashed"}, silent: true,
        data: points.map(([devices]) => [devices, first[1] * devices / first[0]])}],
  });
  return figure({title: "How it scales", about: "Tokens per second of all devices; the dashed line would be proportional to the smallest.", make,
    table: {caption: "How it scales", columns: [{title: "devices"}, {title: "tokens/s"}, {title: "of proportional"}],
      rows: points.map(([devices, speed]) => ({cells: [fixed(devices), inSi(speed), percent(speed * first[0] / (first[1] * devices))]}))}});
}

function compareView(record) {
  const variants = record.variants;
  const legal = variants.filter((v) => v.legal && v.estimate);
  const first = legal.length ? legal[0].estimate : null;
  const job = first && first.job ? `${first.job.name}: ${first.job.model}, ${variants.length} variants` : "Variants of a job";
  const refused = variants.filter((v) => !v.legal).map((v) => `${variantName(v)}: ${v.reason}`);
  return [element("h1", {}, job), verdict(record.verdict.text || [], record.verdict.best === null ? "no" : "yes"),
    element("div", {class: "figures"},
      element("figure", {class: "wide"}, dataTable(compareTable(variants))),
      legal.length ? [compareSteps(legal), compareMemory(legal), scalingFigure(legal)] : null),
    notes(refused)];
}
