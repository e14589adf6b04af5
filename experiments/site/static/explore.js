// Every run, filtered and drawn; a reader's own runs can be added, and rivals of the noise are compared.
"use strict";

const { runs, measures, rivals: rivalTitles, reading } = site.data();
const control = (name) => document.getElementById(name);
const FILTERS = ["model", "dataset", "other", "lr", "epochs", "whose"];
// At first, what has most trainings is shown; a mean over learning rates or epochs would say little.
const FIRST = { other: "usual", whose: "" };
for (const name of ["model", "dataset", "lr", "epochs"])
  FIRST[name] = most(name, runs.filter((run) => Object.keys(FIRST).every((each) => FIRST[each] === "" || run[each] === FIRST[each])));
// What a filter offers depends on the model and the set that are chosen.
const WITHIN = { dataset: ["model"], lr: ["model", "dataset"], epochs: ["model", "dataset"], other: ["model", "dataset"] };
const NAMES = { alpha: "alpha", dose: "dose of the noise, nats a token", lr: "learning rate", epochs: "epochs",
                other: "other settings", dataset: "instruction set", model: "model", whose: "whose run" };

// What most of some runs have.
function most(name, among) {
  const counts = new Map();
  for (const run of among) counts.set(run[name], (counts.get(run[name]) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function fill(name) {
  const select = control(name), before = select.value || (select.options.length ? "" : String(FIRST[name]));
  const among = runs.filter((run) => passes(run, WITHIN[name] ?? []));
  const values = [...new Set(among.map((run) => run[name]))].sort((a, b) => (typeof a === "number" ? a - b : a < b ? -1 : 1));
  select.replaceChildren(new Option("all", ""), ...values.map((each) => new Option(each, each)));
  select.value = before === "" || values.map(String).includes(before) ? before : most(name, among);
}

function passes(run, names) {
  return names.every((name) => control(name).value === "" || String(run[name]) === control(name).value);
}

function chosen() {
  const y = control("y").value, x = control("x").value;
  return runs.filter((run) => run[y] != null && run[x] != null && passes(run, FILTERS));
}

// Another model or set has other learning rates and epochs: what it lacks is not offered, and where it has no training
// with the chosen ones, those of most of its trainings are chosen.
function settle(changed) {
  const narrowed = FILTERS.filter((name) => WITHIN[name]?.includes(changed));
  if (!narrowed.length) return;
  narrowed.forEach(fill);
  if (chosen().length) return;
  if (control("whose").value && !runs.some((run) => passes(run, ["model", "whose"]))) control("whose").value = "";
  const y = control("y").value, kept = FILTERS.filter((name) => !narrowed.includes(name));
  for (const name of narrowed) {
    fill(name);
    const among = runs.filter((run) => run[y] != null && passes(run, kept));
    if (among.length && !among.some((run) => passes(run, [name]))) control(name).value = most(name, among);
    kept.push(name);
  }
}

// Vega-Lite reads some characters of a field's name as a path.
const escaped = (field) => field.replace(/([.:\[\]])/g, "\\$1");

function spec(found, x, y, colour) {
  // A dose of 0 has no place on a logarithmic axis that starts above it; symlog has one.
  const scale = x === "lr" ? { type: "log" } : x === "dose" ? { type: "symlog", constant: 0.001 } : { zero: false };
  const axis = { title: NAMES[x], format: "~r", ...(x === "dose" ? { values: [0, 0.001, 0.01, 0.1, 1, 10] } : x === "lr" ? {} : { tickCount: 10 }) };
  const shared = {
    x: { field: x, type: "quantitative", scale, axis },
    color: { field: colour, type: "nominal", title: NAMES[colour],
             scale: { range: [site.colour("blue"), site.colour("red"), site.colour("green"), "#a3478a", "#7a5c00", "#2f86c1", site.colour("soft")] } },
  };
  const title = measures[y].title;
  const tooltip = ["run", "model", "dataset", "alpha", "dose", "lr", "epochs", "seed", "other", "whose", y].map((field) => ({ field: escaped(field), title: measures[field]?.title ?? NAMES[field] ?? field }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description: `${title} by ${NAMES[x]}, ${found.length} trainings; the table below has the numbers`,
    data: { values: found }, width: "container", height: 380, autosize: { type: "fit-x", contains: "padding" },
    layer: [
      { mark: { type: "line", strokeWidth: 2 }, encoding: { ...shared, y: { field: escaped(y), aggregate: "mean", type: "quantitative", scale: { zero: false }, title } } },
      { mark: { type: "point", filled: true, size: 45, opacity: 0.65 }, encoding: { ...shared, y: { field: escaped(y), type: "quantitative", scale: { zero: false } },
        tooltip } },
    ],
  };
}

function table(found, y) {
  const columns = ["model", "dataset", "alpha", "dose", "lr", "epochs", "seed", "other", "whose", y];
  const cells = (tag, values) => site.element("tr", {}, ...values.map((each) => site.element(tag, { textContent: each ?? "" })));
  control("table").replaceChildren(
    site.element("thead", {}, cells("th", columns.map((each) => measures[each]?.title ?? NAMES[each] ?? each))),
    site.element("tbody", {}, ...found.slice(0, 600).map((run) => cells("td", columns.map((each) => run[each])))));
}

const counted = (count, name) => `${count} ${name}${count === 1 ? "" : "s"}`;

async function show() {
  const found = chosen(), x = control("x").value, y = control("y").value;
  control("count").textContent = found.length
    ? `${counted(found.length, "training")} of ${counted(new Set(found.map((run) => run.seed)).size, "seed")}.`
    : "No training has these settings and this measurement: set a filter to “all”.";
  control("chart").replaceChildren();
  table(found, y);
  if (found.length) await site.chart(control("chart"), spec(found, x, y, control("colour").value));
  // Rivals differ in learning rate, epochs and other settings, which therefore filter nothing there.
  const compared = runs.filter((run) => passes(run, ["model", "dataset", "whose"]));
  await rivals.show({ message: control("rivals-message"), drawn: control("rivals-drawn"), chart: control("rivals-chart"), table: control("rivals-table") },
                    compared, y, measures[y], rivalTitles);
}

// Own runs stand beside the shipped ones of the same model, set, learning rate and epochs.
function showOwn() {
  const own = runs.filter((run) => run.whose === "yours");
  fill("whose");
  control("whose").closest("label").hidden = false;
  control("whose").value = "";
  let left = own;
  for (const name of ["model", "dataset", "lr", "epochs", "other"]) {
    const values = left.map((run) => String(run[name])), different = new Set(values);
    fill(name);
    // Of several models or sets the first is shown; of settings all, since they are what is compared.
    control(name).value = different.size === 1 || name === "model" || name === "dataset" ? values[0] : "";
    left = left.filter((run) => control(name).value === "" || String(run[name]) === control(name).value);
  }
  control("colour").value = "whose";
}

// Add the runs of files; a run that was added before is replaced.
async function add(files, folders = []) {
  const found = new Map(), errors = [];
  let read = 0;
  for (const file of files) {
    try {
      for (const row of await ownRuns.read(file, reading)) found.set(row.run, { ...found.get(row.run), ...Object.fromEntries(Object.entries(row).filter(([, value]) => value !== "")) });
      read += 1;
    } catch (error) { errors.push(`${error.message}.`); }
  }
  if (!files.length) errors.push(`${folders.length ? `In ${folders.join(", ")} there is` : "There was"} no ${reading.names.join(" or ")}.`);
  if (errors.length) errors.push("Drop or choose a folder in which runs were made, such as runs/nano, or its files.");
  if (found.size) {
    const others = runs.filter((run) => run.whose !== "yours" || !found.has(run.run));
    const own = [...found.values()].map((row) => ownRuns.run(row, reading, measures));
    runs.splice(0, runs.length, ...others, ...own.filter((run) => Object.keys(measures).some((name) => run[name] != null)));
    showOwn();
    await show();
  }
  const named = read === 1 ? files[0].path ?? files[0].name : `${read} files`;
  control("added").textContent = [found.size ? `${found.size} ${found.size === 1 ? "run" : "runs"} of ${named} ${found.size === 1 ? "was" : "were"} added.` : "", ...errors].filter(Boolean).join(" ");
}

// Of a chosen folder only the files of runs are read.
function ofFolder(list) {
  const files = [...list], inside = files.filter((file) => reading.names.includes(file.name));
  return add(inside.map((file) => Object.assign(file, { path: file.webkitRelativePath })), files.length ? [files[0].webkitRelativePath.split("/")[0]] : []);
}

FILTERS.forEach(fill);
control("controls").addEventListener("change", ({ target }) => { settle(target.id); return show(); });
control("controls").addEventListener("submit", (event) => event.preventDefault());
control("own").addEventListener("change", ({ target }) => target.files.length && add([...target.files]));
control("folder").addEventListener("change", ({ target }) => ofFolder(target.files));
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => { if (carriesFiles(event)) { event.preventDefault(); document.body.classList.add("dropping"); } });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  document.body.classList.remove("dropping");
  const { files, folders } = await ownRuns.dropped(event.dataTransfer, reading.names);
  await add(files, folders);
});
document.addEventListener("colours", show);
if (runs.some((run) => run.whose === "yours")) showOwn();
show();
