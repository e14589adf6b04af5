// The claims' table: chosen by alpha, judge and verdict, with an interval drawn in each row.
"use strict";

const { claims } = site.data();
const rows = document.getElementById("rows");
const choice = (name) => document.getElementById(name).value;
const WIDTH = 300, HEIGHT = 22, MOST = 6;
const LOOKS = { "holds": "holds", "holds, but negligible": "open", "does not hold": "fails" };

const number = (value, unit) => {
  const digits = Math.abs(unit) >= 1 ? 1 : Math.abs(unit) >= 0.1 ? 2 : 3;
  return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
};
const estimate = (each, margin) => each.value == null ? ""
  : number(each.value, margin) + (each.low == null ? "" : ` [${number(each.low, margin)}, ${number(each.high, margin)}]`);

// An interval between -MOST and +MOST smallest changes; what lies beyond ends in an arrow.
function interval(each, margin, look) {
  const place = (value) => WIDTH * (Math.max(-MOST, Math.min(MOST, value / margin)) + MOST) / (2 * MOST);
  const middle = HEIGHT / 2;
  const parts = [`<rect class="band" x="${place(-margin)}" width="${place(margin) - place(-margin)}" y="0" height="${HEIGHT}"/>`,
                 `<line class="zero" x1="${WIDTH / 2}" x2="${WIDTH / 2}" y1="0" y2="${HEIGHT}"/>`];
  if (each.value != null) {
    const low = each.low ?? each.value, high = each.high ?? each.value;
    parts.push(`<line class="span ${look}" x1="${place(low)}" x2="${place(high)}" y1="${middle}" y2="${middle}"/>`);
    for (const [value, side] of [[low, -1], [high, 1]])
      if (Math.abs(value / margin) > MOST && Math.sign(value) === side) {
        const x = place(value);
        parts.push(`<path class="arrow ${look}" d="M${x - side * 7} ${middle - 4}L${x} ${middle}L${x - side * 7} ${middle + 4}"/>`);
      }
    if (Math.abs(each.value / margin) <= MOST)
      parts.push(`<circle class="${look}" cx="${place(each.value)}" cy="${middle}" r="4"/>`);
  }
  const svg = `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" aria-hidden="true">${parts.join("")}</svg>`;
  return site.element("span", { innerHTML: svg });
}

const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
const cell = (...children) => site.element("td", {}, ...children);

function details(claim, finding) {
  const page = site.element("div", { className: "prose" });
  const add = (text) => page.append(site.element("p", { textContent: text }));
  add(`The paper: ${claim.published || "states it in words"}. Measured here: ${claim.quantity}, ${claim.seeds} seeds.`);
  add(`Rule: the difference ${claim.direction}; the smallest change that matters is ${claim.margin} (${claim.because}). ` +
      `A part is tested at a dose of at least ${claim.least_dose} nats` + (claim.limits ? ` and at levels from ${claim.limits[0]} to ${claim.limits[1]}.` : "."));
  if (finding.reason) add(`Why not testable: ${finding.reason}.`);
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
  const opener = site.element("button", { textContent: claim.text, className: "opener" });
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("aria-controls", id);
  const doses = finding.parts.map((part) => part.dose).filter((each) => each != null);
  const made = site.element("tr", {}, site.element("th", { scope: "row" }, opener), cell(claim.judge),
    cell(interval(finding, claim.margin, look)), cell(estimate(finding, claim.margin)),
    cell(site.element("span", { className: `verdict ${look}`, textContent: finding.verdict })),
    cell(doses.length ? mean(doses).toPrecision(2) : ""));
  const more = site.element("tr", { id, hidden: true });
  const inside = site.element("td", { colSpan: 6 });
  more.append(inside);
  opener.addEventListener("click", () => {
    more.hidden = !more.hidden;
    opener.setAttribute("aria-expanded", String(!more.hidden));
    if (!inside.childElementCount) inside.append(details(claim, finding));
  });
  return [made, more];
}

function show() {
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
show();
