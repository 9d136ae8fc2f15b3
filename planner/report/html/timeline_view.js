"use strict";
/** The simulated step: what runs when on each stage, and how each stage spent the step. */

/** How many passes of a stage the timeline shows before somebody zooms. */
const kFirstPasses = 60;

const kPassColours = {forward: "c1", backward: "c2", weight: "c7", once: "c8"};
const kPassWords = {forward: "forward", backward: "backward", weight: "weight gradients", once: "once in a step"};

/** The rows of the picture: one for each lane that a stage uses, its kernels first. */
function timelineLanes(timeline) {
  const lanes = new Map();
  timeline.stage.forEach((stage, i) => lanes.set(stage + " " + timeline.lane[i], [stage, timeline.lane[i]]));
  const order = [...new Set(timeline.lane)].sort((a, b) => (a !== "compute") - (b !== "compute"));
  const rows = [...lanes.values()].sort((a, b) => a[0] - b[0] || order.indexOf(a[1]) - order.indexOf(b[1]));
  return rows.map(([stage, lane]) => ({stage, lane, key: stage + " " + lane,
    name: lane === "compute" ? "stage " + stage : lane.replace(/_/g, " ")}));
}

function spanWords(timeline, i) {
  const pass = kPassWords[timeline.pass[i]] || timeline.pass[i];
  const lane = timeline.lane[i] === "compute" ? "kernels" : timeline.lane[i].replace(/_/g, " ");
  const of = timeline.pass[i] === "once" ? "" : ` of micro-batch ${timeline.micro_batch[i]}, chunk ${timeline.chunk[i]}`;
  return [`stage ${timeline.stage[i]}: ${lane}`, pass + of,
    `${seconds(timeline.start_s[i])} – ${seconds(timeline.end_s[i])}, ${seconds(timeline.end_s[i] - timeline.start_s[i])}`];
}

/** Buttons that move the window of a chart's dataZoom: the same as wheel and drag, for the keyboard. */
function zoomButtons(chartOf) {
  const move = (change) => () => {
    const chart = chartOf();
    if (!chart) return;
    const {start, end} = chart.getOption().dataZoom[0];
    const [from, to] = change(start, end);
    const width = Math.min(100, to - from);
    const begin = Math.min(Math.max(0, from), 100 - width);
    chart.dispatchAction({type: "dataZoom", start: begin, end: begin + width});
  };
  const quarter = (start, end) => (end - start) / 4;
  const button = (label, change) => element("button", {type: "button", onclick: move(change)}, label);
  return element("div", {class: "buttons", role: "group", "aria-label": "Zoom"},
    button("Zoom in", (s, e) => [s + quarter(s, e), e - quarter(s, e)]),
    button("Zoom out", (s, e) => [s - 2 * quarter(s, e), e + 2 * quarter(s, e)]),
    button("Earlier", (s, e) => [s - quarter(s, e), e - quarter(s, e)]),
    button("Later", (s, e) => [s + quarter(s, e), e + quarter(s, e)]),
    button("Whole step", () => [0, 100]));
}

function timelineFigure(timeline, stepTime) {
  const lanes = timelineLanes(timeline);
  const row = new Map(lanes.map((lane, index) => [lane.key, index]));
  const unit = timeUnit(stepTime);
  const data = timeline.start_s.map((start, i) => ({value: [start / unit.size, timeline.end_s[i] / unit.size,
    row.get(timeline.stage[i] + " " + timeline.lane[i]), i]}));
  const draw = (params, api) => {
    const [x, y] = api.coord([api.value(0), api.value(2)]);
    const [right] = api.coord([api.value(1), api.value(2)]);
    const i = api.value(3);
    const isKernel = timeline.lane[i] === "compute";
    const height = api.size([0, 1])[1] * (isKernel ? 0.86 : 0.55);
    const shape = echarts.graphic.clipRectByRect({x, y: y - height / 2, width: Math.max(right - x, 0.7), height},
      {x: params.coordSys.x, y: params.coordSys.y, width: params.coordSys.width, height: params.coordSys.height});
    return shape && {type: "rect", shape, style: {fill: colours[timeline.pass[i]] || colours.once, opacity: isKernel ? 1 : 0.55}};
  };
  // A long step opens on its first passes: all of them at once are too narrow to tell apart.
  const passes = timeline.stage.filter((stage, i) => stage === timeline.stage[0] && timeline.lane[i] === "compute").length;
  const end = Math.min(100, 100 * kFirstPasses / Math.max(1, passes));
  let colours = {};
  const make = () => {
    colours = Object.fromEntries(Object.entries(kPassColours).map(([pass, shade]) => [pass, colour(shade)]));
    return {
      legend: {show: false},
      grid: {left: 8, right: 20, top: 8, bottom: 64, containLabel: true},
      tooltip: {...chartBase().option.tooltip, formatter: (point) => tip(spanWords(timeline, point.value[3]))},
      dataZoom: [{type: "inside", filterMode: "weakFilter", end}, {type: "slider", filterMode: "weakFilter", end, height: 20, bottom: 8,
        textStyle: {color: colour("soft")}, showDataShadow: false, borderColor: colour("line"), fillerColor: colour("c6") + "44",
        backgroundColor: "transparent", handleStyle: {color: colour("card"), borderColor: colour("soft")},
        moveHandleStyle: {color: colour("line")},
        labelFormatter: (value) => significant(value) + " " + unit.name}],
      xAxis: styledAxis({type: "value", min: 0, max: stepTime / unit.size,
        axisLabel: {formatter: (value) => significant(value, 4) + " " + unit.name, hideOverlap: true, showMaxLabel: false}}),
      yAxis: styledAxis({type: "category", inverse: true, data: lanes.map(({name}) => name), splitLine: {show: false},
        axisLabel: {interval: 0, fontSize: lanes.length > 40 ? 9 : 12}}),
      series: [{type: "custom", renderItem: draw, encode: {x: [0, 1], y: 2}, data, progressive: 4000}],
    };
  };
  let shown;
  const used = [...new Set(timeline.pass)];
  const key = colourKey(used.map((pass) => [kPassWords[pass] || pass, `var(--${kPassColours[pass] || "c8"})`]));
  return figure({title: "The step as a timeline", wide: true, canvas: true,
    about: "One rank of each stage: its kernels, and below them its communication. White space is waiting. " +
      "Turn the wheel, drag, or use the buttons to move and zoom.",
    height: Math.min(900, 90 + lanes.length * (lanes.length > 24 ? 16 : 24)), make,
    ready: (chart) => { shown = chart; },
    extra: element("div", {}, key, zoomButtons(() => shown && !shown.isDisposed() ? shown : null)),
    table: {caption: "The first hundred spans of the timeline",
      columns: [{title: "stage"}, {title: "lane", words: true}, {title: "pass", words: true}, {title: "micro-batch"}, {title: "chunk"},
        {title: "start"}, {title: "end"}],
      rows: timeline.stage.slice(0, 100).map((stage, i) => ({cells: [String(stage), timeline.lane[i], timeline.pass[i],
        String(timeline.micro_batch[i]), String(timeline.chunk[i]), seconds(timeline.start_s[i]), seconds(timeline.end_s[i])]}))}});
}

const kRankParts = [["compute", "compute_s", "c1"], ["tp, exposed", "tp_exposed_s", "c2"], ["cp, exposed", "cp_exposed_s", "c6"],
  ["ep, exposed", "ep_exposed_s", "c3"], ["pp, exposed", "pp_exposed_s", "c5"], ["dp, exposed", "dp_exposed_s", "c7"],
  ["optimizer", "optimizer_s", "c8"], ["host", "host_s", "c9"], ["bubble", "bubble_s", "c4"]];

function ranksFigure(ranks) {
  const used = kRankParts.filter(([, key]) => ranks.some((rank) => rank[key] > 0));
  const whole = (rank) => kRankParts.reduce((sum, [, key]) => sum + rank[key], 0);
  const names = ranks.map((rank, index) => ranks.length === new Set(ranks.map((r) => r.stage)).size ? "stage " + rank.stage : "rank " + index);
  const table = {caption: "How each stage spent the step", columns: [{title: "stage"}, ...used.map(([name]) => ({title: name}))],
    rows: ranks.map((rank, index) => ({cells: [names[index], ...used.map(([, key]) => percent(rank[key] / whole(rank)))]}))};
  const make = () => ({
    grid: {left: 8, right: 24, top: 8, bottom: 40, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "shadow"},
      formatter: (points) => tip([points[0].name, ...points.map((point) => `${point.seriesName}: ${percent(point.value)}`)])},
    xAxis: styledAxis({type: "value", max: 1, axisLabel: {formatter: (value) => percent(value, 0)}}),
    yAxis: styledAxis({type: "category", inverse: true, data: names, axisLabel: {color: colour("ink")}, splitLine: {show: false}}),
    series: used.map(([name, key, shade]) => ({name, type: "bar", stack: "step", barMaxWidth: 24, itemStyle: {color: colour(shade)},
      data: ranks.map((rank) => rank[key] / whole(rank))})),
  });
  return figure({title: "How each stage spent the step", about: "Each moment of a device has one cause.",
    height: 96 + Math.max(2, ranks.length) * (ranks.length > 12 ? 22 : 34), make, table});
}

function simulationFigures(record) {
  const simulation = record.simulation;
  if (!simulation) return [];
  return [simulation.timeline ? timelineFigure(simulation.timeline, record.step.time_s) : null,
    simulation.by_rank && simulation.by_rank.length ? ranksFigure(simulation.by_rank) : null];
}
