"use strict";
/** Chooses the pictures of a record by its keys, and shows them. */

function viewOf(record) {
  if (record.search && record.search.plans) return searchView;
  if (record.buy && record.buy.options) return buyView;
  if (record.variants && record.verdict) return compareView;
  if (record.cases && record.sources) return scoreView;
  if (record.operations && record.counted) return validationView;
  if (record.step && record.memory && record.job) return planView;
  return recordView;
}

function showResult(record) {
  const view = viewOf(record);
  return element("article", {class: "result"}, view(record), view === recordView ? null : everything(record));
}

/** Fills `place` with one result, or with a list of them. */
function showReport(place, answer) {
  dropCharts(place);
  place.replaceChildren(...(Array.isArray(answer) ? answer : [answer]).map(showResult));
  if (!kHasCharts)
    place.append(element("p", {class: "no-charts"}, "This foreshard was built without charts; the tables hold the same figures."));
}
