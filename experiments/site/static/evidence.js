// The published comparisons: filtered, ordered, with an interval drawn in each row.
"use strict";

const { comparisons, groups } = site.data();
const choice = (name) => document.getElementById(name).value;
const LOOKS = { authors: "blue", independent: "fails", here: "holds" };
const cell = (...children) => site.element("td", {}, ...children);

for (const name of ["length_rule", "judge"]) {
  const values = [...new Set(comparisons.map((each) => each[name] ?? "none"))].sort();
  document.getElementById(name).append(new Option("all", ""), ...values.map((each) => new Option(each, each)));
}

function details(each) {
  const list = site.element("dl", { className: "facts" });
  const add = (name, value) => value != null && value !== "" && list.append(site.element("dt", { textContent: name }), site.element("dd", {}, value));
  const link = each.address.startsWith("arXiv ") ? `https://arxiv.org/abs/${each.address.slice(6)}` : each.address;
  add("Published", site.element("span", {}, `${each.authors} (${each.year}), `,
    link.startsWith("https:") ? site.element("a", { href: link, textContent: each.address }) : each.address));
  add(each.verified ? "Read at its source" : "Not read at its source", each.read);
  add("Metric", `${each.metric}, ${each.unit}`);
  add("Judge", each.judge);
  add("Items", each.items && String(each.items));
  add("Model", `${each.model}${each.size_billions ? `, ${Number(each.size_billions.toPrecision(2))} billion parameters` : ""}, ${each.tuning}`);
  add("Learning rate", each.learning_rate && String(each.learning_rate));
  add("L of the noise", each.length_rule);
  add("Library", each.library);
  add("Differs in the noise alone", each.matched ? "yes, as the source says" : "no");
  add("Variant", each.variant);
  add("Note", each.note);
  return list;
}

// A row, with its metric where those that are shown have several.
function row(each, most, several, id) {
  const name = [each.model, each.training_set, each.variant].filter(Boolean).join(", ");
  const text = each.gain == null ? "" : site.signed(each.gain, 1) +
    (each.gain_low == null ? "" : ` [${site.signed(each.gain_low, 1)}, ${site.signed(each.gain_high, 1)}]`);
  const source = `${each.source}${each.verified ? "" : " (not verified)"}`;
  const cells = [cell(several ? `${source}: ${each.metric}` : source),
    cell(site.interval({ value: each.gain, low: each.gain_low, high: each.gain_high }, most, LOOKS[each.group])),
    cell(text), cell(each.without == null ? "" : `${each.without.toFixed(1)} → ${each.with.toFixed(1)}`),
    ...["alpha", "rows", "epochs"].map((field) => site.named(field, each[field] == null ? "" : String(each[field])))];
  return site.opening(name, id, cells, () => details(each));
}

function show() {
  const order = choice("order");
  const found = comparisons.filter((each) => each.kind === choice("kind") && (!choice("group") || each.group === choice("group")) &&
    ["length_rule", "judge"].every((name) => !choice(name) || (each[name] ?? "none") === choice(name)));
  if (order) found.sort((a, b) => (b[order] ?? -Infinity) - (a[order] ?? -Infinity));
  const ends = found.flatMap((each) => [each.gain, each.gain_low, each.gain_high]).filter((each) => each != null).map(Math.abs);
  const most = Math.max(1, ...ends) * 1.05;
  const several = new Set(found.map((each) => each.metric)).size > 1;
  const rows = document.getElementById("rows");
  rows.replaceChildren();
  let group = "";
  found.forEach((each, place) => {
    if (!order && each.group !== group) {
      group = each.group;
      rows.append(site.element("tr", { className: "group" }, site.element("th", { colSpan: 8, scope: "rowgroup", textContent: groups[group] })));
    }
    rows.append(...row(each, most, several, `more-${place}`));
  });
  const better = found.filter((each) => each.improves).length;
  document.getElementById("count").textContent = found.length
    ? `${found.length} comparisons, ${better} better with noise. The axis reaches from ${site.signed(-most, 0)} to ${site.signed(most, 0)}.`
    : "No comparison has these properties.";
}

for (const name of ["kind", "group", "length_rule", "judge", "order"]) document.getElementById(name).addEventListener("change", show);
show();
