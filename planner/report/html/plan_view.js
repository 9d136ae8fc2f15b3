"use strict";
/** The record of `plan`: what one step takes, whether it fits, what the training costs. */

const kStepParts = [
  ["matrix products", (step) => step.compute_s && step.compute_s.gemms, "c1"],
  ["attention core", (step) => step.compute_s && step.compute_s.attention_core, "c6"],
  ["scans, convolutions", (step) => step.compute_s && step.compute_s.scans, "c3"],
  ["norms, activations, loss", (step) => step.compute_s && step.compute_s.memory_bound, "c5"],
  ["kernels made slower", (step) => step.compute_s && step.compute_s.slowed, "c7"],
  ["tp, exposed", (step) => step.breakdown_s.tp_exposed, "c2"],
  ["cp, exposed", (step) => step.breakdown_s.cp_exposed, "c2"],
  ["ep, exposed", (step) => step.breakdown_s.ep_exposed, "c2"],
  ["pp, exposed", (step) => step.breakdown_s.pp_exposed, "c2"],
  ["dp, exposed", (step) => step.breakdown_s.dp_exposed, "c2"],
  ["pipeline bubble", (step) => step.breakdown_s.bubble, "c4"],
  ["optimizer", (step) => step.breakdown_s.optimizer, "c8"],
  ["host and the rest", (step) => step.breakdown_s.overhead, "c8"],
];

/** The parts of a step that are worth a bar: [{name, time, colour}…]. */
function stepParts(step) {
  return kStepParts.map(([name, of, shade]) => ({name, time: of(step) || 0, colour: shade}))
    .filter(({time}) => time >= 0.0005 * step.time_s);
}

const kMemoryParts = [
  ["weights", "weights_bytes", "c1"], ["gradients", "gradients_bytes", "c3"], ["optimizer", "optimizer_bytes", "c5"],
  ["activations", "activations_bytes", "c2"], ["buffers", "buffers_bytes", "c7"],
];

function stepTable(step) {
  const unit = timeUnit(step.time_s);
  const rows = stepParts(step).map(({name, time}) =>
    ({cells: [name, inUnit(time, unit), percent(time / step.time_s)]}));
  rows.push({class: "total", cells: ["step", inUnit(step.time_s, unit), "100.0%"]});
  return {caption: "Where the step goes", columns: [{title: "part"}, {title: unit.name}, {title: "share"}], rows};
}

/** Bars that begin where the one before ends; the last is the step, with its band. */
function stepWaterfall(step) {
  const unit = timeUnit(step.time_s);
  const parts = stepParts(step);
  let begin = 0;
  const begins = parts.map(({time}) => (begin += time) - time);
  const names = [...parts.map(({name}) => name), "step"];
  const make = () => ({
    legend: {show: false},
    grid: {left: 8, right: 56, top: 8, bottom: 8, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "none"},
      formatter: ([point]) => {
        const at = point.dataIndex;
        if (at === parts.length)
          return tip([`step: ${seconds(step.time_s)}`, `band ${seconds(step.time_low_s)} – ${seconds(step.time_high_s)}`]);
        return tip([`${names[at]}: ${seconds(parts[at].time)}`, `${percent(parts[at].time / step.time_s)} of the step`]);
      }},
    xAxis: styledAxis({type: "value", max: step.time_high_s / unit.size,
      axisLabel: {hideOverlap: true, showMaxLabel: false,
        formatter: (value) => fixed(value, decimalsFor(step.time_s / unit.size, 2)) + " " + unit.name}}),
    yAxis: styledAxis({type: "category", inverse: true, data: names, axisLabel: {color: colour("ink")},
      splitLine: {show: false}}),
    series: [
      {type: "bar", stack: "all", silent: true, itemStyle: {color: "transparent"}, data: [...begins, 0].map((b) => b / unit.size)},
      {type: "bar", stack: "all", barMaxWidth: 22,
        data: [...parts.map(({time, colour: shade}) => ({value: time / unit.size, itemStyle: {color: colour(shade)}})),
          {value: step.time_s / unit.size, itemStyle: {color: colour("soft")}}],
        label: {show: true, position: "right", color: colour("ink"), fontSize: 12,
          formatter: ({dataIndex}) => dataIndex === parts.length ? inUnit(step.time_s, unit) : percent(parts[dataIndex].time / step.time_s)},
        markArea: {silent: true, itemStyle: {color: colour("soft"), opacity: 0.13},
          data: [[{xAxis: step.time_low_s / unit.size}, {xAxis: step.time_high_s / unit.size}]]}},
    ],
  });
  return figure({title: "Where the step goes",
    about: `${seconds(step.time_s)} in all; the shaded band, ${seconds(step.time_low_s)} to ${seconds(step.time_high_s)}, ` +
      "is where eight of ten published runs lie.",
    height: 36 + 32 * names.length, make, table: stepTable(step)});
}

/** The stages to draw: [{name, parts: {key: bytes}, context}…]. */
function memoryRows(memory) {
  return (memory.stages || []).map((stage, index) => ({name: "stage " + index, parts: stage, peak: stage.peak_bytes,
    context: memory.context_bytes || 0}));
}

function memoryTable(memory, rows) {
  const unit = byteUnit(memory.capacity_bytes);
  const cells = (name, of) => ({cells: [name, ...rows.map((row) => inUnit(of(row), unit))]});
  const body = kMemoryParts.map(([name, key]) => cells(name, (row) => row.parts[key]));
  body.push(cells("peak", (row) => row.peak), cells("driver, libraries", (row) => row.context));
  body.push({class: "total", cells: ["there is", ...rows.map(() => inUnit(memory.capacity_bytes, unit))]});
  return {caption: `Memory of one device of each stage, ${unit.name}; the fullest needs ` +
      `${inUnit(memory.reserved_bytes + memory.context_bytes, unit)} with the allocator's fragmentation`,
    columns: [{title: unit.name}, ...rows.map(({name}) => ({title: name}))], rows: body};
}

/** Stacked bars of memory against the capacity. rows: [{name, parts, peak, context}…]. */
function memoryChart(rows, capacity, {title, about, table}) {
  const unit = byteUnit(capacity);
  const most = Math.max(capacity, ...rows.map((row) => row.peak + row.context));
  const series = () => [...kMemoryParts.map(([name, key, shade]) => ({name, type: "bar", stack: "memory", barMaxWidth: 26,
    itemStyle: {color: colour(shade)}, data: rows.map((row) => row.parts[key] / unit.size)})),
  {name: "driver, libraries", type: "bar", stack: "memory", itemStyle: {color: colour("c9")},
    data: rows.map((row) => row.context / unit.size),
    markLine: {silent: true, symbol: "none", lineStyle: {color: colour("bad"), width: 2, type: "solid"},
      label: {formatter: `${inUnit(capacity, unit)} ${unit.name}`, color: colour("bad"), fontSize: 12, position: "start"},
      data: [{xAxis: capacity / unit.size}]}}];
  const make = () => ({
    grid: {left: 8, right: 36, top: 28, bottom: 40, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "shadow"},
      formatter: (points) => tip([points[0].name, ...points.map((point) => `${point.seriesName}: ${significant(point.value)} ${unit.name}`),
        `together ${significant(points.reduce((sum, point) => sum + point.value, 0))} of ${inUnit(capacity, unit)} ${unit.name}`])},
    xAxis: styledAxis({type: "value", max: Math.ceil(1.04 * most / unit.size), axisLabel: {formatter: (value) => fixed(value) + " " + unit.name, hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: rows.map(({name}) => name), axisLabel: {color: colour("ink")},
      splitLine: {show: false}}),
    series: series(),
  });
  return figure({title, about, height: 92 + Math.max(2, rows.length) * (rows.length > 12 ? 24 : 36), make, table});
}

function memoryFigure(memory) {
  const rows = memoryRows(memory);
  if (rows.length === 0) return null;
  return memoryChart(rows, memory.capacity_bytes, {title: "Memory of one device, by stage",
    about: "At each stage's fullest moment. The line is what a process can allocate.", table: memoryTable(memory, rows)});
}

function communicationFigure(record) {
  const axes = Object.entries(record.communication || {}).filter(([, axis]) => axis.calls > 0);
  if (axes.length === 0) return null;
  const unit = timeUnit(Math.max(...axes.map(([, axis]) => axis.time_s)));
  const exposed = ([name]) => record.step.breakdown_s[name + "_exposed"];
  const table = {caption: "Communication of one device in one step",
    columns: [{title: "axis"}, {title: "sent"}, {title: "calls"}, {title: "time, " + unit.name}, {title: "exposed, " + unit.name}],
    rows: axes.map((entry) => ({cells: [entry[0], bytes(entry[1].bytes_per_device), fixed(entry[1].calls),
      inUnit(entry[1].time_s, unit), inUnit(exposed(entry), unit)]}))};
  const make = () => ({
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "shadow"},
      formatter: (points) => tip([points[0].name, ...points.map((point) => `${point.seriesName}: ${seconds(point.value * unit.size)}`)])},
    xAxis: styledAxis({type: "value", axisLabel: {formatter: (value) => value + " " + unit.name, hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: axes.map(([name]) => name), axisLabel: {color: colour("ink")},
      splitLine: {show: false}}),
    series: [
      {name: "exposed", type: "bar", stack: "time", barMaxWidth: 22, itemStyle: {color: colour("c2")},
        data: axes.map((entry) => exposed(entry) / unit.size)},
      {name: "hidden behind computation", type: "bar", stack: "time", itemStyle: {color: colour("c9")},
        data: axes.map((entry) => Math.max(0, entry[1].time_s - exposed(entry)) / unit.size)}],
  });
  return figure({title: "Communication", about: "How long each axis communicates, and how much of that the devices wait for.",
    height: 84 + 36 * axes.length, make, table});
}

function planTiles(record) {
  const {step, memory, training} = record;
  const needed = memory.reserved_bytes + memory.context_bytes;
  const unit = byteUnit(memory.capacity_bytes);
  return tiles([
    ["one step", seconds(step.time_s), `${seconds(step.time_low_s)} – ${seconds(step.time_high_s)}`],
    ["tokens/s per device", significant(step.tokens_per_s_per_device), `${inSi(step.tokens_per_s)} in all`],
    ["MFU", percent(step.mfu), `HFU ${percent(step.hfu)}`],
    ["memory per device", `${inUnit(needed, unit)} ${unit.name}`, `of ${inUnit(memory.capacity_bytes, unit)} ${unit.name}: ${memory.verdict}`],
    ["whole training", calendarTime(training && training.seconds),
      training && training.device_hours ? inSi(training.device_hours) + " device hours" : ""],
    ["price", training && isNumber(training.dollars) ? inSi(training.dollars) + " USD" : kNone,
      training && training.kwh ? inSi(training.kwh) + " kWh" : ""],
  ]);
}

function mood(memory) {
  if (memory.verdict === "does not fit" || memory.fits === false) return memory.verdict === "tight" ? "tight" : "no";
  return "yes";
}

function jobHeading(lines, fallback) {
  const [title, ...rest] = lines && lines.length ? lines : [fallback];
  return [element("h1", {}, title), rest.map((line) => element("p", {class: "about"}, line))];
}

function planView(record) {
  const said = record.verdict || {};
  return [jobHeading(said.job, record.job.name), verdict(said.text || [], mood(record.memory)), planTiles(record),
    element("div", {class: "figures"}, simulationFigures(record), record.explain ? explainFigures(record) : stepWaterfall(record.step),
      memoryFigure(record.memory), communicationFigure(record),
      record.explain ? sentenceList(record.explain.sentences) : null),
    notes(record.notes)];
}
