// Draws the pictures of pages in docs/pictures: each kind of report, and the planner's page, at three widths. Needs Chromium
// and pngquant (Debian: pngquant).
//
//   node scripts/draw_pages.mjs FORESHARD PLANNER.html [FOLDER [NAME…]]
//
// FOLDER: docs/pictures. NAME: draws only pictures whose name begins so: report_plan, planner_360. Pages of validate need
// foreshard-run and mpirun; where foreshard-run is not beside FORESHARD, they are left out.
import {spawnSync} from "node:child_process";
import {existsSync, mkdtempSync, rmSync, statSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {dirname, join} from "node:path";
import {fileURLToPath, pathToFileURL} from "node:url";

import {Browser} from "../tests/web/browser.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [, , tool, planner, folder = join(root, "docs/pictures"), ...wanted] = process.argv;
const runner = join(dirname(tool), "foreshard-run");
const work = mkdtempSync(join(tmpdir(), "foreshard-pages-"));
const environment = {FORESHARD_CONFIGS: join(root, "configs"), ...process.env};

const kJob = "llama3-70b-64h100";
const kReports = {
  plan: [tool, "plan", kJob],
  simulate: [tool, "simulate", kJob],
  explain: [tool, "explain", kJob],
  compare: [tool, "compare", kJob, "--tp", "1,2,4,8"],
  search: [tool, "search", kJob],
  buy: [tool, "buy", kJob, "--cluster", "dgx-h100,dgx-b200", "--deadline", "60 days"],
  score: [tool, "score"],
  validate: ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", runner, "validate", "tiny-llama-laptop", "--steps", "3"],
};

/** The windows; a phone's and a wide screen's are drawn as they are, lower parts are below the window. */
const kWindows = [{width: 360, height: 800, name: "_360"}, {width: 1280, height: 900, name: ""}, {width: 2560, height: 1300, name: "_2560", isDark: true}];

const isWanted = (name) => wanted.length === 0 || wanted.some((beginning) => name.startsWith(beginning));

async function keep(browser, name) {
  await new Promise((resolve) => setTimeout(resolve, 700));
  const path = join(folder, name + ".png");
  writeFileSync(path, await browser.picture({format: "png"}));
  const done = spawnSync("pngquant", ["--force", "--strip", "--speed", "1", "--output", path, "64", path], {encoding: "utf8"});
  if (done.status !== 0) throw new Error(`pngquant: ${done.error?.message || done.stderr}`);
  const hangsOver = await browser.value("document.documentElement.scrollWidth > innerWidth");
  console.log(`${name}.png: ${Math.round(statSync(path).size / 1024)} KiB${hangsOver ? ", WIDER THAN ITS WINDOW" : ""}`);
}

async function drawReport(name, command) {
  const page = join(work, `${name}.html`);
  const done = spawnSync(command[0], [...command.slice(1), "--html", page], {encoding: "utf8", env: environment});
  if (done.error || done.status > 1) throw new Error(`${command.join(" ")}: ${done.error?.message || done.stderr}`);
  for (const {name: suffix, ...size} of kWindows) {
    const browser = new Browser();
    await browser.open(pathToFileURL(page).href, size);
    await browser.until("document.querySelector('#report .result')");
    await keep(browser, `report_${name}${suffix}`);
    browser.close();
  }
}

/** The planner's page: at each width its first answer; its other tabs at one width. */
async function drawPlanner() {
  for (const {name: suffix, ...size} of kWindows) {
    if (!isWanted("planner" + suffix)) continue;
    const browser = new Browser();
    await browser.open(pathToFileURL(planner).href, size);
    await browser.until("document.querySelector('#pane-plan .tiles') && document.getElementById('model')");
    await keep(browser, "planner" + suffix);
    browser.close();
  }
  for (const [tab, isDrawn] of [["explain", "ol li"], ["simulate", "canvas"], ["compare", ".scroll table"], ["search", "table"]]) {
    if (!isWanted("planner_" + tab)) continue;
    const browser = new Browser();
    await browser.open(pathToFileURL(planner).href, kWindows[1]);
    await browser.until("document.querySelector('#pane-plan .tiles') && document.getElementById('model')");
    await browser.value(`document.getElementById("tab-${tab}").click()`);
    if (tab === "search") {
      await browser.value(`document.getElementById("search-button").click()`);
      await browser.until(`/^Searched/.test(document.getElementById("search-status").textContent)`, 300);
    }
    await browser.until(`document.querySelector("#pane-${tab} ${isDrawn}")`, 120);
    await keep(browser, "planner_" + tab);
    browser.close();
  }
}

for (const [name, command] of Object.entries(kReports)) {
  if (!isWanted("report_" + name)) continue;
  if (command[0] === tool || existsSync(runner)) await drawReport(name, command);
  else console.log(`report_${name} is left out: there is no ${runner}`);
}
if (planner && existsSync(planner)) await drawPlanner();
rmSync(work, {recursive: true});
