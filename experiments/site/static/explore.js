// Every run, filtered and drawn; a reader's own runs.csv can be added.
"use strict";

const { runs, measures } = site.data();
const control = (name) => document.getElementById(name);
const FILTERS = ["model", "dataset", "lr", "epochs", "other"];
// At first, what has most trainings is shown; a mean over learning rates would say little.
const FIRST = { other: "usual", epochs: "" };
for (const name of ["model", "dataset", "lr"]) {
  const counts = new Map();
  for (const run of runs)
    if (Object.keys(FIRST).every((each) => FIRST[each] === "" || run[each] === FIRST[each])) counts.set(run[name], (counts.get(run[name]) ?? 0) + 1);
  FIRST[name] = [...counts].sort((a, b) => b[1] - a[1])[0][0];
}
const NAMES = { alpha: "alpha", dose: "dose of the noise, nats a token", lr: "learning rate", epochs: "epochs",
                other: "other settings", dataset: "instruction set", model: "model" };

function fill(name) {
  const select = control(name), before = select.value || (select.options.length ? "" : String(FIRST[name]));
  const values = [...new Set(runs.map((run) => run[name]))].sort((a, b) => (typeof a === "number" ? a - b : a < b ? -1 : 1));
  select.replaceChildren(new Option("all", ""), ...values.map((each) => new Option(each, each)));
  select.value = values.map(String).includes(before) ? before : "";
}

function chosen() {
  const y = control("y").value, x = control("x").value;
  return runs.filter((run) => run[y] != null && run[x] != null &&
    FILTERS.every((name) => control(name).value === "" || String(run[name]) === control(name).value));
}

// Vega-Lite reads some characters of a field's name as a path.
const escaped = (field) => field.replace(/([.:\[\]])/g, "\\$1");

function spec(found, x, y, colour) {
  // A dose of 0 has no place on a logarithmic axis that starts above it; symlog has one.
  const scale = x === "lr" ? { type: "log" } : x === "dose" ? { type: "symlog", constant: 0.001 } : { zero: false };
  const axis = { title: NAMES[x], ...(x === "dose" ? { values: [0, 0.001, 0.01, 0.1, 1, 10] } : {}) };
  const shared = {
    x: { field: x, type: "quantitative", scale, axis },
    color: { field: colour, type: "nominal", title: NAMES[colour],
             scale: { range: [site.colour("blue"), site.colour("red"), site.colour("green"), "#a3478a", "#7a5c00", "#2f86c1", site.colour("soft")] } },
  };
  const tooltip = ["run", "model", "dataset", "alpha", "dose", "lr", "epochs", "seed", "other", y].map((field) => ({ field: escaped(field), title: measures[field] ?? NAMES[field] ?? field }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description: `${measures[y]} by ${NAMES[x]}, ${found.length} trainings; the table below has the numbers`,
    data: { values: found }, width: "container", height: 380, autosize: { type: "fit-x", contains: "padding" },
    layer: [
      { mark: { type: "line", strokeWidth: 2 }, encoding: { ...shared, y: { field: escaped(y), aggregate: "mean", type: "quantitative", scale: { zero: false }, title: measures[y] } } },
      { mark: { type: "point", filled: true, size: 45, opacity: 0.65 }, encoding: { ...shared, y: { field: escaped(y), type: "quantitative", scale: { zero: false } },
        tooltip } },
    ],
  };
}

function table(found, y) {
  const columns = ["model", "dataset", "alpha", "dose", "lr", "epochs", "seed", "other", y];
  const cells = (tag, values) => site.element("tr", {}, ...values.map((each) => site.element(tag, { textContent: each ?? "" })));
  control("table").replaceChildren(
    site.element("thead", {}, cells("th", columns.map((each) => measures[each] ?? NAMES[each] ?? each))),
    site.element("tbody", {}, ...found.slice(0, 400).map((run) => cells("td", columns.map((each) => run[each])))));
}

async function show() {
  const found = chosen(), x = control("x").value, y = control("y").value;
  control("count").textContent = found.length
    ? `${found.length} trainings of ${new Set(found.map((run) => run.seed)).size} seeds.`
    : "No training has these settings and this measurement: set a filter to “all”.";
  control("chart").replaceChildren();
  table(found, y);
  if (found.length) await site.chart(control("chart"), spec(found, x, y, control("colour").value));
}

// A file of runs as `make paper` writes it; its columns are those of the shipped one.
function parsed(text) {
  const records = [];
  let field = "", record = [], quoted = false;
  for (const character of `${text}\n`) {
    if (quoted ? character === '"' : character === '"') quoted = !quoted;
    else if (character === "," && !quoted) { record.push(field); field = ""; }
    else if (character === "\n" && !quoted) { record.push(field.replace(/\r$/, "")); if (record.length > 1) records.push(record); record = []; field = ""; }
    else field += character;
  }
  const [head, ...rows] = records;
  return rows.map((row) => Object.fromEntries(head.map((name, place) => [name, row[place]])));
}

async function add(file) {
  const rows = parsed(await file.text());
  const missing = ["run", "model", "dataset", "alpha", "lr", "epochs", "seed"].filter((name) => !rows.length || !(name in rows[0]));
  if (missing.length) {
    control("count").textContent = `${file.name} is no runs.csv: it has no ${missing.length > 1 ? "columns" : "column"} ${missing.join(", ")}.`;
    return;
  }
  for (const row of rows) {
    const run = { run: row.run, scale: "own", model: `${row.model}, yours`, dataset: row.dataset, alpha: +row.alpha,
                  dose: +row.alpha === 0 ? 0 : null, lr: +row.lr, epochs: +row.epochs, seed: +row.seed, other: "usual" };
    for (const name of Object.keys(measures)) if (row[name]) run[name] = +row[name];
    runs.push(run);
  }
  FILTERS.forEach(fill);
  control("model").value = `${rows[0].model}, yours`;
  for (const name of ["dataset", "lr", "epochs", "other"]) control(name).value = "";
  await show();
  control("count").textContent += ` ${rows.length} runs of ${file.name} were added.`;
}

FILTERS.forEach(fill);
control("controls").addEventListener("change", (event) => (event.target.id === "own" ? event.target.files[0] && add(event.target.files[0]) : show()));
control("controls").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("colours", show);
show();
