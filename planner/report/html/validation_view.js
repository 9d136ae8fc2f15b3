"use strict";
/** The record of `validate`: the step that ran, operation by operation. */

function operationName(row) {
  return [row.component, row.kind, row.phase].filter(Boolean).map(words).join(" · ");
}

function operationsFigure(record) {
  const rows = record.operations.filter((row) => row.measured_s !== null)
    .sort((a, b) => b.measured_s - a.measured_s).slice(0, 20);
  if (rows.length === 0) return null;
  const unit = timeUnit(rows[0].measured_s);
  const series = (name, key, shade) => ({name, type: "bar", barMaxWidth: 12, itemStyle: {color: colour(shade)},
    data: rows.map((row) => row[key] / unit.size)});
  const make = () => ({
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "shadow"},
      formatter: (points) => tip([points[0].name, ...points.map((p) => `${p.seriesName}: ${seconds(p.value * unit.size)}`),
        `error ${signedPercent(rows[points[0].dataIndex].error)}`])},
    xAxis: styledAxis({type: "value", axisLabel: {formatter: (value) => value + " " + unit.name, hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: rows.map(operationName), splitLine: {show: false},
      axisLabel: {color: colour("ink"), width: 190, overflow: "truncate"}}),
    series: [series("predicted", "predicted_s", "c1"), series("measured", "measured_s", "c2")],
  });
  return figure({title: "Predicted beside measured", about: "The twenty longest operations, over the whole step.", wide: true,
    height: 80 + 36 * rows.length, make, table: operationsTable(record)});
}

function operationsTable(record) {
  const unit = timeUnit(record.step.measured_s / 20);
  const line = (name, calls, time) => ({cells: [name, calls, inUnit(time.predicted_s, unit), inUnit(time.measured_s, unit),
    inUnit(time.spread_s, unit), signedPercent(time.error)]});
  const rows = record.operations.map((row) => line(operationName(row), fixed(row.count), row));
  for (const [name, key] of [["waiting for other stages", "waiting"], ["collectives, not hidden", "exposed"], ["between operations", "overhead"]])
    if (record[key]) rows.push(line(name, "", record[key]));
  rows.push({...line("step", "", record.step), class: "total"});
  return {caption: `Operations, ${unit.name}`, rows,
    columns: [{title: "operation"}, {title: "calls"}, {title: "predicted"}, {title: "measured"}, {title: "±"}, {title: "error"}]};
}

function validationView(record) {
  const said = record.verdict && record.verdict.text ? record.verdict.text : [];
  return [element("h1", {}, `${record.job.name}: ${record.job.model} on ${record.job.devices} ranks`),
    element("p", {class: "about"}, record.machine || ""), verdict(said, record.passed ? "yes" : "no"),
    tiles([["step, predicted", seconds(record.step.predicted_s)], ["step, measured", seconds(record.step.measured_s), "± " + seconds(record.step.spread_s)],
      ["error", signedPercent(record.step.error)], ["memory, measured", record.memory ? bytes(record.memory.measured_bytes) : kNone,
        record.memory ? "planned " + bytes(record.memory.predicted_bytes) : ""], ["all checks", record.passed ? "passed" : "failed"]]),
    element("div", {class: "figures"}, operationsFigure(record))];
}
