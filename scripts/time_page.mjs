// Measures the planner's page in headless Chromium: its size, the time to the first answer, estimates a second, and the time
// from a slider's move to the drawn answer. Medians; the browser's start is not counted.
//
//   node scripts/time_page.mjs build/web/foreshard.html
import {readFileSync} from "node:fs";
import {pathToFileURL} from "node:url";
import {gzipSync} from "node:zlib";

import {Browser} from "../tests/web/browser.mjs";

const [, , page] = process.argv;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const kIsAnswered = "document.querySelector('#pane-plan .tiles') && document.getElementById('model')";

const bytes = readFileSync(page);
console.log(`size: ${(bytes.length / 2 ** 20).toFixed(2)} MiB, compressed ${(gzipSync(bytes, {level: 9}).length / 2 ** 20).toFixed(2)} MiB`);

const opened = [];
let browser;
for (let i = 0; i < 5; ++i) {
  browser?.close();
  browser = new Browser();
  await browser.open(pathToFileURL(page).href);
  await browser.until("typeof state !== 'undefined' && state.record", 120);
  // Read in the page: when its first answer was there.
  opened.push(await browser.value("performance.getEntriesByName('first answer')[0].startTime"));
}
console.log(`from opening the page to the first answer: ${(median(opened) / 1000).toFixed(2)} s`);
await browser.until(kIsAnswered, 120);

// The same job again and again, without drawing; the first second only warms the module up.
const rate = await browser.value(`(async () => {
  const count = async (milliseconds) => {
    const begin = performance.now();
    let calls = 0;
    let working = 0;
    for (; performance.now() < begin + milliseconds; ++calls) working += (await engine.call({command: "plan", job: jobText()}, state.files)).milliseconds;
    return {rate: 1000 * calls / (performance.now() - begin), working: working / calls};
  };
  await count(1000);
  return count(4000);
})()`);
console.log(`estimates: ${rate.rate.toFixed(0)} a second, ${rate.working.toFixed(1)} ms each in the module`);

const moves = [];
for (let i = 0; i < 20; ++i) {
  moves.push(await browser.value(`(async () => {
    const slider = document.getElementById("batch-slider");
    const before = state.record;
    const begin = performance.now();
    slider.valueAsNumber += ${i % 2 === 0 ? 1 : -1};
    slider.dispatchEvent(new Event("input"));
    while (state.record === before) await new Promise((resolve) => requestAnimationFrame(resolve));
    return performance.now() - begin;
  })()`));
}
console.log(`from a slider's move to the new answer in the page: ${median(moves).toFixed(0)} ms`);
browser.close();
