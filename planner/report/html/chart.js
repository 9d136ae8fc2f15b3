"use strict";
/** Charts. Each has a title, a sentence, and its figures as a table beside it. */

const kHasCharts = typeof echarts !== "undefined";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** What all charts share, in the page's colours. */
function chartBase() {
  const soft = colour("soft");
  const axis = {
    axisLine: {lineStyle: {color: colour("line")}}, axisTick: {show: false},
    axisLabel: {color: soft, fontSize: 12}, nameTextStyle: {color: soft, fontSize: 12},
    splitLine: {lineStyle: {color: colour("line")}},
  };
  const font = getComputedStyle(document.body).fontFamily;
  return {
    axis,
    option: {
      animation: false, textStyle: {fontFamily: font, color: colour("ink")},
      tooltip: {confine: true, backgroundColor: colour("card"), borderColor: colour("line"),
        textStyle: {color: colour("ink"), fontSize: 13}},
      legend: {textStyle: {color: soft, fontSize: 12}, itemWidth: 12, itemHeight: 12, bottom: 0, type: "scroll"},
      grid: {left: 8, right: 24, top: 16, bottom: 44, containLabel: true},
    },
  };
}

/** Merges the base's axis into an axis of a chart. */
function styledAxis(own) {
  const {axis} = chartBase();
  return {...axis, ...own, axisLabel: {...axis.axisLabel, ...own.axisLabel}};
}

/** Tooltips as text: ECharts reads them as markup, and names may hold anything. */
function tip(lines) {
  const box = document.createElement("div");
  for (const line of lines) box.append(element("div", {}, line));
  return box;
}

const shownCharts = [];
function redrawCharts() {
  for (const {chart, make} of shownCharts) chart.setOption({...chartBase().option, ...make()}, true);
}
if (kHasCharts) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
  addEventListener("resize", () => shownCharts.forEach(({chart}) => chart.resize()));
  addEventListener("beforeprint", () => shownCharts.forEach(({chart}) => chart.resize()));
}
/** Forgets the charts of a result that is drawn anew. */
function dropCharts(place) {
  for (let i = shownCharts.length - 1; i >= 0; --i) {
    if (!place.contains(shownCharts[i].place)) continue;
    shownCharts[i].chart.dispose();
    shownCharts.splice(i, 1);
  }
}

/**
 * A figure: title, sentence, chart and table. `make` returns ECharts' option; `ready(chart)` is called once it is
 * drawn. Without charts in this build, the table is open.
 */
function figure({title, about, height = 320, make, table, wide = false, canvas = false, ready, extra}) {
  const id = newId("figure");
  const caption = element("figcaption", {}, element("h2", {id}, title),
    about ? element("p", {class: "about"}, about) : null);
  const whole = element("figure", {class: wide ? "wide" : undefined, role: "group", "aria-labelledby": id}, caption);
  if (kHasCharts && make) {
    const place = element("div", {class: "chart", role: "img",
      "aria-label": title + ". " + (about || "") + (table ? " The table below has the figures." : ""),
      style: `height:${height}px`});
    whole.append(place);
    if (extra) whole.append(extra);
    // ECharts needs the size that an element has in the page.
    requestAnimationFrame(() => {
      if (!place.isConnected) return;
      const chart = echarts.init(place, null, {renderer: canvas ? "canvas" : "svg"});
      chart.setOption({...chartBase().option, ...make()});
      shownCharts.push({chart, make, place});
      if (ready) ready(chart);
    });
    if (table) whole.append(foldedTable(table));
  } else if (table) {
    whole.append(dataTable(table));
  }
  return whole;
}
