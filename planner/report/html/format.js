"use strict";
/** Numbers as the tables of the command line print them: commas between groups of three digits, and a unit. */

const kNone = "–";

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

/** "1,234.57" for two decimals; a minus sign, not a hyphen. */
function fixed(value, decimals = 0) {
  if (!isNumber(value)) return kNone;
  const text = Math.abs(value).toFixed(decimals);
  const [whole, fraction] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + grouped + (fraction === undefined ? "" : "." + fraction);
}

/** How many decimals show three significant digits. */
function decimalsFor(value, digits = 3) {
  const size = Math.abs(value);
  if (!(size > 0)) return 0;
  return Math.max(0, digits - 1 - Math.floor(Math.log10(size) + 1e-12));
}

/** At least three significant digits; digits before the point are never rounded: "0.0571", "58.0", "1,132". */
function significant(value, digits = 3) {
  return isNumber(value) ? fixed(value, decimalsFor(value, digits)) : kNone;
}

function percent(fraction, decimals = 1) {
  return isNumber(fraction) ? fixed(100 * fraction, decimals) + "%" : kNone;
}

function signedPercent(fraction) {
  if (!isNumber(fraction)) return kNone;
  return (fraction < 0 ? "" : "+") + percent(fraction);
}

const kTimeUnits = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]];
const kByteUnits = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "byte"]];

/** The unit of a column whose largest number is `largest`: {size, name, decimals}. */
function unitFor(units, largest) {
  const [size, name] = units.find(([unit]) => Math.abs(largest) >= unit) || units[units.length - 1];
  return {size, name, decimals: decimalsFor(largest / size)};
}
const timeUnit = (largest) => unitFor(kTimeUnits, largest);
const byteUnit = (largest) => unitFor(kByteUnits, largest);

function inUnit(value, unit) {
  return isNumber(value) ? fixed(value / unit.size, unit.decimals) : kNone;
}
function withUnit(value, units) {
  if (!isNumber(value)) return kNone;
  const unit = unitFor(units, value);
  return inUnit(value, unit) + " " + unit.name;
}
const seconds = (value) => withUnit(value, kTimeUnits);
const bytes = (value) => withUnit(value, kByteUnits);

/** A large number with an SI prefix: "15.0 T", "3.69 M", "8,192". */
function inSi(value) {
  if (!isNumber(value)) return kNone;
  for (const [size, prefix] of [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"]])
    if (Math.abs(value) >= size) return significant(value / size) + " " + prefix;
  return significant(value);
}

/** The time of a whole training: "38.2 minutes", "2,401 days". */
function calendarTime(value) {
  if (!isNumber(value)) return kNone;
  for (const [size, name] of [[2 * 86400, "days"], [2 * 3600, "hours"], [120, "minutes"]])
    if (value >= size) return significant(value / (name === "days" ? 86400 : name === "hours" ? 3600 : 60)) + " " + name;
  return seconds(value);
}

/** A key as words: "largest_micro_batch" is "largest micro-batch". */
function words(key) {
  return key.replace(/_/g, " ").replace("micro batch", "micro-batch").replace(/\bmfu\b/, "MFU");
}
