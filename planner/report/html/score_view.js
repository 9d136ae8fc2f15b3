"use strict";
/** The record of `score`: predicted against measured. */

const kSourceColours = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
const kSourceSymbols = ["circle", "rect", "triangle", "diamond"];

function scoreScatter(cases) {
  const sources = [...new Set(cases.map((c) => c.source))];
  const all = cases.flatMap((c) => [c.predicted_s, c.measured_s]).filter((x) => x > 0);
  const low = Math.min(...all) / 1.3;
  const high = Math.max(...all) * 1.3;
  const point = (c, i) => ({value: [c.measured_s, c.predicted_s, i]});
  // Room is kept for the hidden labels of both ends, too: two digits of them.
  const axis = (name, nameGap) => styledAxis({type: "log", name, nameLocation: "middle", nameGap, min: low, max: high,
    axisLabel: {formatter: (value) => Number(value.toPrecision(2)) + " s", hideOverlap: true, showMinLabel: false, showMaxLabel: false}});
  const band = (params, api) => {
    const c = cases[api.value(0)];
    const [x, top] = api.coord([c.measured_s, c.high_s]);
    const [, bottom] = api.coord([c.measured_s, c.low_s]);
    return {type: "line", shape: {x1: x, y1: top, x2: x, y2: bottom}, style: {stroke: colour("faint"), lineWidth: 1}};
  };
  const make = () => ({
    grid: {left: 12, right: 24, top: 16, bottom: 84, containLabel: true},
    tooltip: {...chartBase().option.tooltip, formatter: ({value, seriesName}) => {
      const c = cases[value[2] === undefined ? value[0] : value[2]];
      return tip([`${c.source}: ${c.name}`, `measured ${seconds(c.measured_s)}`,
        `predicted ${seconds(c.predicted_s)} (${seconds(c.low_s)} – ${seconds(c.high_s)}), ${signedPercent(c.error)}`]);
    }},
    xAxis: axis("measured", 32), yAxis: axis("predicted", 48),
    series: [
      {type: "custom", renderItem: band, silent: true, encode: {x: 1, y: 2}, data: cases.map((c, i) => [i, c.measured_s, c.predicted_s])},
      {type: "line", silent: true, symbol: "none", lineStyle: {color: colour("soft"), width: 1}, data: [[low, low], [high, high]]},
      ...sources.map((source, s) => ({name: source, type: "scatter", symbolSize: 9, symbol: kSourceSymbols[Math.floor(s / 8) % 4],
        itemStyle: {color: colour(kSourceColours[s % 8]), opacity: 0.85},
        data: cases.map((c, i) => [c, i]).filter(([c]) => c.source === source).map(([c, i]) => point(c, i))})),
    ],
  });
  return figure({title: "Predicted against measured", wide: true, height: 620, make,
    about: "Each point is a run; on the line the prediction is right. The upright strokes are the predicted bands."});
}

function casesTable(cases) {
  return {caption: "Step times, seconds",
    columns: [{title: "run"}, {title: "source", words: true}, {title: "predicted"}, {title: "band"}, {title: "measured"}, {title: "error"},
      {title: "in band", words: true}],
    rows: cases.map((c) => ({cells: [c.name, c.source, significant(c.predicted_s), `${significant(c.low_s)} – ${significant(c.high_s)}`,
      significant(c.measured_s), signedPercent(c.error), c.in_band ? "yes" : {text: "no", class: "no"}]}))};
}

function sourcesFigure(record) {
  const sources = Object.entries(record.sources || {}).filter(([, s]) => s.n > 0);
  if (sources.length === 0) return null;
  const make = () => ({
    grid: {left: 8, right: 56, top: 8, bottom: 44, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "shadow"},
      formatter: (points) => tip([points[0].name, ...points.map((p) => `${p.seriesName}: ${percent(p.value)}`)])},
    xAxis: styledAxis({type: "value", axisLabel: {formatter: (value) => percent(value, 0), hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: sources.map(([name]) => name), axisLabel: {color: colour("ink")}, splitLine: {show: false}}),
    series: [{name: "mean error", type: "bar", barMaxWidth: 14, itemStyle: {color: colour("c1")}, data: sources.map(([, s]) => s.mean_abs_error),
      label: {show: true, position: "right", color: colour("ink"), fontSize: 12, formatter: ({value}) => percent(value)}},
    {name: "median", type: "bar", barMaxWidth: 14, itemStyle: {color: colour("c6")}, data: sources.map(([, s]) => s.median_abs_error)}],
  });
  const row = ([name, s]) => ({cells: [name, fixed(s.n), percent(s.mean_abs_error), percent(s.median_abs_error), percent(s.p90_abs_error),
    signedPercent(s.bias), percent(s.coverage), s.ranking && s.ranking.groups ? fixed(s.ranking.rank_correlation, 2) : kNone]});
  const rows = sources.map(row);
  if (record.all && record.all.n) rows.push({...row(["all", record.all]), class: "total"});
  return figure({title: "How far off, by source", about: "Absolute errors of the predicted step time.", wide: true, height: 84 + 40 * sources.length, make,
    table: {caption: "Errors of the step time, by source", columns: [{title: "source"}, {title: "runs"}, {title: "mean"}, {title: "median"},
      {title: "nine of ten within"}, {title: "bias"}, {title: "in band"}, {title: "rank correlation"}], rows}});
}

function scoreView(record) {
  const cases = record.cases || [];
  const said = record.verdict && record.verdict.text ? record.verdict.text : [];
  const of = record.all && record.all.n > cases.length ? `The ${cases.length} runs furthest off, of ${record.all.n}.` : "";
  return [element("h1", {}, "Predicted against measured"), of ? element("p", {class: "about"}, of) : null, verdict(said),
    element("div", {class: "figures"}, cases.length ? scoreScatter(cases) : null, sourcesFigure(record)),
    cases.length ? foldedTable(casesTable(cases), `All ${cases.length} runs`) : null];
}
