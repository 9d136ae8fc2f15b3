"use strict";
/** The records of `search` and `buy`: the best plans of a job, what they cost in memory, and how devices pay off. */

const neededGib = (plan) => (plan.estimate.memory.reserved_bytes + plan.estimate.memory.context_bytes) / 2 ** 30;

/** Where a result is of several clusters, a plan's name says which. */
function planName(plan, many) {
  return many ? `${plan.estimate.job.cluster}, ${plan.estimate.job.devices}: ${plan.choices}` : plan.choices;
}

function plansTable(plans, many) {
  const known = (plan) => isNumber(plan.probability_first_is_faster) ? percent(plan.probability_first_is_faster, 0) : "";
  return {caption: "The best plans, the first first",
    columns: [{title: "plan", words: true}, {title: "step, s"}, {title: "band, s"}, {title: "tokens/s per device"}, {title: "MFU"}, {title: "memory, GiB"},
      {title: "first is faster in"}],
    rows: plans.map((plan, index) => {
      const {step} = plan.estimate;
      return {cells: [{text: planName(plan, many), class: "plan"}, {text: significant(step.time_s), class: index === 0 ? "best" : undefined},
        {text: `${significant(step.time_low_s)} – ${significant(step.time_high_s)}`, class: "whole"}, significant(step.tokens_per_s_per_device), percent(step.mfu),
        {text: `${fixed(neededGib(plan), 1)} of ${fixed(plan.estimate.memory.capacity_bytes / 2 ** 30, 1)}`, class: "whole"}, index === 0 ? "" : plan.tied ? "tied" : known(plan)]};
    })};
}

/** Step time against memory: what is faster needs more, and what is neither is not shown. */
function paretoFigure(front, plans, many) {
  if (front.length === 0) return null;
  const point = (plan) => ({value: [neededGib(plan), plan.estimate.step.time_s], plan});
  const sorted = [...front].sort((a, b) => neededGib(a) - neededGib(b));
  const make = () => ({
    grid: {left: 12, right: 28, top: 16, bottom: 76, containLabel: true},
    tooltip: {...chartBase().option.tooltip, formatter: ({data}) => tip([planName(data.plan, many), `step ${seconds(data.plan.estimate.step.time_s)}`,
      `memory ${fixed(neededGib(data.plan), 1)} GiB`, `MFU ${percent(data.plan.estimate.step.mfu)}`])},
    xAxis: styledAxis({type: "value", scale: true, name: "memory of one device, GiB", nameLocation: "middle", nameGap: 30,
      axisLabel: {formatter: (value) => fixed(value), hideOverlap: true}}),
    yAxis: styledAxis({type: "value", scale: true, axisLabel: {formatter: (value) => significant(value) + " s"}}),
    series: [
      {name: "none is both faster and smaller", type: "line", step: many ? undefined : "end", color: colour("c1"), symbol: "circle", symbolSize: 9,
        lineStyle: {width: many ? 0 : 1.5}, data: sorted.map(point)},
      {name: "the best plans", type: "scatter", color: colour("c2"), symbol: "diamond", symbolSize: 12, data: plans.map(point)}],
  });
  return figure({title: "Time against memory", about: "Every point is a plan. No other plan is both faster and smaller than one on the line.", height: 420, make,
    table: {caption: "Time against memory", columns: [{title: "plan", words: true}, {title: "memory, GiB"}, {title: "step, s"}],
      rows: sorted.map((plan) => ({cells: [planName(plan, many), fixed(neededGib(plan), 1), significant(plan.estimate.step.time_s)]}))}});
}

/** The best plan with each value of an axis. */
function valuesFigure(values) {
  const known = values.filter((value) => isNumber(value.step_s));
  if (known.length === 0) return null;
  const name = (value) => `${words(value.axis)} ${value.value}`;
  const shades = new Map([...new Set(known.map((value) => value.axis))].map((axis, i) => [axis, ["c1", "c2", "c3", "c5", "c4", "c6", "c7", "c8"][i % 8]]));
  const make = () => ({
    legend: {show: false},
    grid: {left: 8, right: 64, top: 8, bottom: 8, containLabel: true},
    tooltip: {...chartBase().option.tooltip, trigger: "axis", axisPointer: {type: "none"},
      formatter: ([at]) => tip([name(known[at.dataIndex]), seconds(at.value), known[at.dataIndex].choices])},
    xAxis: styledAxis({type: "value", axisLabel: {formatter: (value) => value + " s", hideOverlap: true}}),
    yAxis: styledAxis({type: "category", inverse: true, data: known.map(name), axisLabel: {color: colour("ink")}, splitLine: {show: false}}),
    series: [{type: "bar", barMaxWidth: 14, data: known.map((value) => ({value: value.step_s, itemStyle: {color: colour(shades.get(value.axis))}})),
      label: {show: true, position: "right", color: colour("ink"), fontSize: 12, formatter: ({value}) => significant(value) + " s"}}],
  });
  return figure({title: "The best plan with each value", about: "How long the step is at best if one choice is fixed.", height: 36 + 22 * known.length, make,
    table: {caption: "The best plan with each value", columns: [{title: "value"}, {title: "step, s"}, {title: "plan", words: true}],
      rows: known.map((value) => ({cells: [name(value), significant(value.step_s), value.choices]}))}});
}

function countsTable(sites) {
  const rows = sites.flatMap((site) => [
    {class: "section", cells: [`${site.cluster}, ${fixed(site.devices)} devices`, ""]},
    {cells: ["combinations", fixed(site.counts.combinations)]}, {cells: ["legal plans", fixed(site.counts.plans)]},
    {cells: ["do not fit", fixed(site.counts.too_large)]}, {cells: ["cannot be faster", fixed(site.counts.slower)]},
    {cells: ["estimated", fixed(site.counts.estimated)]},
    ...(site.counts.refused_by_reason || []).map(({reason, combinations}) => ({cells: ["refused: " + reason, fixed(combinations)]}))]);
  return {caption: "What was searched", columns: [{title: ""}, {title: "number"}], rows};
}

function searchView(record) {
  const {search} = record;
  const {plans, sites} = search;
  const many = sites.length > 1;
  const best = plans[0];
  const lines = best ? [`Best: ${planName(best, many)}.`, ...(best.estimate.verdict ? best.estimate.verdict.text : [])] : ["No plan fits."];
  if (sites.some((site) => site.complete === false)) lines.push(`The search was ended early: these are the best of ${fixed(search.counts.estimated)} plans estimated.`);
  return [element("h1", {}, best ? `${best.estimate.job.model}: the best of ${fixed(search.counts.plans)} plans` : "Search"),
    verdict(lines, best ? "yes" : "no"),
    element("div", {class: "figures"}, element("figure", {class: "wide"}, dataTable(plansTable(plans, many))),
      paretoFigure(search.pareto, plans, many), valuesFigure(search.values)),
    foldedTable(countsTable(sites), "What was searched")];
}

const kDay = 86400;

function buyTable(options) {
  const row = (name, of) => ({cells: [name, ...options.map((option) => isNumber(option.devices) ? of(option) : kNone)]});
  return {caption: "The options side by side", columns: [{title: ""}, ...options.map((option) => ({title: option.cluster}))],
    rows: [row("rank", (o) => isNumber(o.rank) ? fixed(o.rank) : kNone), row("devices", (o) => fixed(o.devices)), row("plan", (o) => o.choices),
      row("step, s", (o) => significant(o.step_s)), row("days", (o) => significant(o.seconds / kDay)), row("USD", (o) => inSi(o.dollars)),
      row("energy, MWh", (o) => significant(o.joules / 3.6e9)), row("goodput", (o) => percent(o.goodput)), row("efficiency", (o) => percent(o.efficiency)),
      row("stops scaling at", (o) => fixed(o.stops_scaling_at)),
      row("first is better in", (o) => isNumber(o.probability_first_is_better) ? percent(o.probability_first_is_better, 0) : kNone)]};
}

/** Days against devices, a curve for each cluster. */
function buyCurves(options) {
  const curves = options.map((option) => ({name: option.cluster, sizes: (option.sizes || []).filter((size) => isNumber(size.seconds))}))
    .filter(({sizes}) => sizes.length > 0);
  if (curves.length === 0) return null;
  const make = () => ({
    grid: {left: 12, right: 28, top: 16, bottom: 76, containLabel: true},
    tooltip: {...chartBase().option.tooltip, formatter: ({data, seriesName}) => tip([`${seriesName}, ${fixed(data.size.devices)} devices`, data.size.choices,
      `${significant(data.size.seconds / kDay)} days`, isNumber(data.size.dollars) ? inSi(data.size.dollars) + " USD" : "no price"])},
    xAxis: styledAxis({type: "log", name: "devices", nameLocation: "middle", nameGap: 30, min: "dataMin", max: "dataMax",
      axisLabel: {formatter: (value) => fixed(value), hideOverlap: true}}),
    yAxis: styledAxis({type: "log", axisLabel: {formatter: (value) => significant(value) + " d"}, min: (range) => range.min / 1.2}),
    series: curves.map(({name, sizes}, i) => ({name, type: "line", color: colour(kSourceColours[i % 8]), symbolSize: 9,
      data: sizes.map((size) => ({value: [size.devices, size.seconds / kDay], size}))})),
  });
  return figure({title: "Days against devices", about: "The training at the best plan of each number of devices.", wide: true, height: 420, make,
    table: {caption: "Days against devices", columns: [{title: "cluster"}, {title: "devices"}, {title: "days"}, {title: "USD"}, {title: "plan", words: true}],
      rows: curves.flatMap(({name, sizes}) => sizes.map((size) => ({cells: [name, fixed(size.devices), significant(size.seconds / kDay), inSi(size.dollars), size.choices]})))}});
}

function buyView(record) {
  const {buy} = record;
  const first = buy.options.find((option) => option.rank === 1);
  const limit = [isNumber(buy.deadline_s) ? `within ${calendarTime(buy.deadline_s)}` : "", isNumber(buy.budget_dollars) ? `for ${inSi(buy.budget_dollars)} USD` : ""]
    .filter(Boolean).join(" and ");
  const line = first ? `Best: ${fixed(first.devices)} devices of ${first.cluster} (${first.choices}): ${significant(first.seconds / kDay)} days` +
    (isNumber(first.dollars) ? `, ${inSi(first.dollars)} USD.` : ".") : "No option meets the request.";
  return [element("h1", {}, `Which devices, and how many${limit ? ", " + limit : ""}`), verdict([line], first ? "yes" : "no"),
    element("div", {class: "figures"}, element("figure", {class: "wide"}, dataTable(buyTable(buy.options))), buyCurves(buy.options))];
}
