// The claims' table: chosen by scale, alpha, judge and verdict, with an interval drawn in each row.
"use strict";

const { scales } = site.data();
const rows = document.getElementById("rows");
const choice = (name) => document.getElementById(name).value;
// The axis reaches so far to both sides; claims.html says it.
const MOST = 6;
const LOOKS = { "holds": "holds", "holds, but negligible": "open", "does not hold": "fails" };

const number = (value, unit) => site.signed(value, Math.abs(unit) >= 1 ? 1 : Math.abs(unit) >= 0.1 ? 2 : 3);
const estimate = (each, margin) => each.value == null ? ""
  : number(each.value, margin) + (each.low == null ? "" : ` [${number(each.low, margin)}, ${number(each.high, margin)}]`);

const interval = (each, margin, look) => {
  const units = (value) => (value == null ? null : value / margin);
  return site.interval({ value: units(each.value), low: units(each.low), high: units(each.high) }, MOST, look, 1);
};

const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
const cell = (...children) => site.element("td", {}, ...children);

function details(claim, finding) {
  const page = site.element("div", { className: "prose" });
  const add = (text) => page.append(site.element("p", { textContent: text }));
  add(`The paper: ${claim.published || "states it in words"}. Measured here: ${claim.quantity}, ${claim.seeds} seeds.`);
  add(`Rule: the difference ${claim.direction}; the smallest change that matters is ${claim.margin} (${claim.because}). ` +
      `A part is tested at a dose of at least ${claim.least_dose} nats` + (claim.limits ? ` and at levels from ${claim.limits[0]} to ${claim.limits[1]}.` : "."));
  if (finding.reason) add(`${finding.verdict[0].toUpperCase()}${finding.verdict.slice(1)}: ${finding.reason}.`);
  if (claim.published_change != null) add(`The paper's change: ${number(claim.published_change, claim.margin)}.`);
  const table = site.element("table");
  table.innerHTML = "<thead><tr><th scope='col'>Part</th><th scope='col'>Alpha</th><th scope='col'>Dose, nats</th><th scope='col'>Difference</th><th scope='col'>Estimate</th><th scope='col'>Verdict</th></tr></thead>";
  const body = site.element("tbody");
  for (const part of finding.parts)
    body.append(site.element("tr", {}, cell(part.title), cell(`${part.alpha}`), cell(part.dose == null ? "" : part.dose.toFixed(4)),
      cell(interval(part, claim.margin, LOOKS[part.verdict] ?? "open")), cell(estimate(part, claim.margin)),
      cell(part.verdict + (part.reason ? `: ${part.reason}` : ""))));
  table.append(body);
  return site.element("div", {}, page, site.element("div", { className: "wide", tabIndex: 0 }, table));
}

function row(claim, finding, id) {
  const look = LOOKS[finding.verdict] ?? "open";
  const doses = finding.parts.map((part) => part.dose).filter((each) => each != null);
  const cells = [site.named("judge", claim.judge),
    cell(interval(finding, claim.margin, look)), cell(estimate(finding, claim.margin)),
    cell(site.element("span", { className: `verdict ${look}`, textContent: finding.verdict })),
    site.named("dose", doses.length ? mean(doses).toPrecision(2) : "")];
  return site.opening(claim.text, id, cells, () => details(claim, finding));
}

const USUAL_ALPHA = "10";

// What can be chosen of a scale: its alphas, judges and verdicts.
function offer() {
  const scale = scales.find((each) => each.name === choice("scale"));
  const fill = (name, options) => document.getElementById(name).replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  fill("alpha", scale.alphas.map((each) => [each, each === "chosen" ? "the chosen one of each set" : each]));
  if (scale.alphas.includes(USUAL_ALPHA)) document.getElementById("alpha").value = USUAL_ALPHA;
  fill("judge", [["", "all"], ...Object.keys(scale.judges).map((each) => [each, each])]);
  fill("verdict", [["", "all"], ...Object.keys(scale.verdicts).map((each) => [each, each])]);
  for (const each of document.querySelectorAll(".of-scale")) each.hidden = each.dataset.scale !== scale.name;
  show();
}

function show() {
  const { claims } = scales.find((each) => each.name === choice("scale"));
  const alpha = choice("alpha"), judge = choice("judge"), verdict = choice("verdict");
  rows.replaceChildren();
  let group = "", count = 0;
  for (const claim of claims) {
    const finding = claim.findings.find((each) => each.alpha === alpha);
    if (!finding || (judge && claim.judge !== judge) || (verdict && finding.verdict !== verdict)) continue;
    if (claim.group !== group) {
      group = claim.group;
      rows.append(site.element("tr", { className: "group" }, site.element("th", { colSpan: 6, scope: "rowgroup", textContent: group })));
    }
    rows.append(...row(claim, finding, `more-${count++}`));
  }
  document.getElementById("count").textContent =
    count ? `${count} of ${claims.length} claims are shown; the others were not measured at this alpha, or are filtered out.`
          : "No claim has this verdict at this alpha.";
}

for (const name of ["alpha", "judge", "verdict"]) document.getElementById(name).addEventListener("change", show);
document.getElementById("scale").addEventListener("change", offer);
offer();
