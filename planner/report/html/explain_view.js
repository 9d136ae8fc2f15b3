"use strict";
/** The record of `explain`: from the ideal to the step, and what more hardware would be worth. */

/** Bars that begin where the one before ends; parts that are spared run backwards. */
function explainWaterfall(parts, step) {
  const unit = timeUnit(step.time_s);
  const shown = parts.filter((part) => Math.abs(part.time_s) >= 0.0005 * step.time_s);
  let end = 0;
  const bars = shown.map((part) => {
    const begin = end;
    end += part.time_s;
    return {name: words(part.part), from: Math.min(begin, end) / unit.size, length: Math.abs(part.time_s) / unit.size, part,
      shade: part.part === "ideal" ? "c3" : part.time_s < 0 ? "c6" : "c2"};
  });
  bars.push({name: "step", from: 0, length: step.time_s / unit.size, part: {time_s: step.time_s, share: 1}, shade: "c8"});
  const limits = (part) => Object.entries(part.limited_s || {}).filter(([, time]) => time > 0.05 * Math.abs(part.time_s))
    .map(([what, time]) => `${words(what)}: ${seconds(time)}`);
  const make = () => ({
    legend: {show: false},
    grid: {left: 8, right: 56, top: 8, bottom: 8, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "none"}, formatter: ([point]) => {
      const {name, part} = bars[point.dataIndex];
      return tip([`${name}: ${seconds(part.time_s)}`, `${percent(part.share)} of the step`, ...limits(part)]);
    }},
    xAxis: styledAxis({type: "value", axisLabel: {formatter: (value) => value + " " + unit.name, hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: bars.map(({name}) => name), axisLabel: {color: colour("ink")}, splitLine: {show: false}}),
    series: [
      {type: "bar", stack: "all", silent: true, itemStyle: {color: "transparent"}, data: bars.map(({from}) => from)},
      {type: "bar", stack: "all", barMaxWidth: 22, data: bars.map(({length, shade}) => ({value: length, itemStyle: {color: colour(shade)}})),
        label: {show: true, position: "right", color: colour("ink"), fontSize: 12,
          formatter: ({dataIndex}) => percent(bars[dataIndex].part.share)}}],
  });
  return figure({title: "From the ideal to the step", wide: true, height: 36 + 30 * bars.length, make,
    about: "The ideal is the model's FLOPs at the devices' peak rate. Each bar adds to it, or is spared (pale); together they are the step.",
    table: {caption: "From the ideal to the step", columns: [{title: "part"}, {title: unit.name}, {title: "share"}, {title: "limited by", words: true}],
      rows: bars.map(({name, part}) => ({cells: [name, inUnit(part.time_s, unit), percent(part.share), limits(part).join(", ")]}))}});
}

function worthFigure(levers, step) {
  const known = levers.filter((lever) => isNumber(lever.change_s));
  if (known.length === 0) return null;
  const change = (lever) => lever.change_s / step.time_s;
  const make = () => ({
    legend: {show: false},
    grid: {left: 8, right: 16, top: 8, bottom: 8, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "none"},
      formatter: ([point]) => tip([words(known[point.dataIndex].of), `step ${seconds(known[point.dataIndex].step_s)}, ${signedPercent(point.value)}`,
        ...(known[point.dataIndex].plan || [])])},
    xAxis: styledAxis({type: "value", min: 1.45 * Math.min(...known.map(change), 0), axisLabel: {formatter: (value) => percent(value, 0), hideOverlap: true, showMinLabel: false}}),
    yAxis: styledAxis({type: "category", inverse: true, data: known.map((lever) => words(lever.of)), axisLabel: {color: colour("ink")}, splitLine: {show: false}}),
    series: [{type: "bar", barMaxWidth: 22, itemStyle: {color: colour("c3")}, data: known.map(change),
      label: {show: true, position: "left", color: colour("ink"), fontSize: 12, formatter: ({value}) => signedPercent(value)}}],
  });
  return figure({title: "What 10% more would be worth", about: "The change of the step with 10% more of each resource.", height: 36 + 36 * known.length, make,
    table: {caption: "With 10% more of each", columns: [{title: "of"}, {title: "step"}, {title: "change"}, {title: "USD/h per device"}, {title: "plan", words: true}],
      rows: known.map((lever) => ({cells: [words(lever.of), seconds(lever.step_s), signedPercent(change(lever)),
        isNumber(lever.dollars_per_device_hour) ? fixed(lever.dollars_per_device_hour, 2) : kNone, (lever.plan || []).join(", ")]}))}});
}

function sentenceList(sentences) {
  return element("figure", {class: "wide"}, element("h2", {}, "In ten sentences, each with the command that checks it"),
    element("ol", {}, sentences.map(({text, command}) => element("li", {}, text, element("pre", {}, command)))));
}

function explainFigures(record) {
  return [explainWaterfall(record.explain.waterfall, record.step), worthFigure(record.explain.worth, record.step)];
}
