// Two runs' answers to one instruction: marked in the laboratory, compared by words for real models.
"use strict";

const { runs, first, judges, marks, weights, asked } = site.data();
const control = (name) => document.getElementById(name);
const byKey = Object.fromEntries(runs.map((run) => [run.key, run]));
const FILTERS = { all: "all instructions", different: "answers differ", turned: "verdict turned", longer: "longer and won", wrong: "wrong fact gained" };
const SUBSETS = { helpful_base: "helpful base", selfinstruct: "self-instruct", oasst: "OASST", koala: "Koala", vicuna: "Vicuna" };
const COUNTED = Object.keys(weights);
const own = new Map();
const state = { place: 0, found: [], pair: [] };
const length = (text) => [...text].length;

// Scripts of runs hand over what they hold; each is loaded when one of its runs is chosen.
const waiting = new Map(), loaded = new Map();
globalThis.receive = (name, packed) => waiting.get(name)(packed);

function load(name) {
  if (!loaded.has(name)) loaded.set(name, new Promise((resolve, reject) => {
    waiting.set(name, (packed) => resolve(unpacked(packed)));
    const script = site.element("script", { src: `data/answers-${name}.js` });
    script.addEventListener("error", () => { loaded.delete(name); reject(new Error(`data/answers-${name}.js is not beside this page`)); });
    document.head.append(script);
  }));
  return loaded.get(name);
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

// Base 85 as Python's base64.b85encode writes it: five digits for four bytes.
function bytes(text) {
  const missing = (5 - text.length % 5) % 5, whole = text + "~".repeat(missing);
  const view = new DataView(new ArrayBuffer(whole.length / 5 * 4));
  const values = Object.fromEntries([...DIGITS].map((digit, value) => [digit, value]));
  for (let place = 0; place < whole.length; place += 5) {
    let number = 0;
    for (let i = place; i < place + 5; i++) number = number * 85 + values[whole[i]];
    view.setUint32(place / 5 * 4, number);
  }
  return new Uint8Array(view.buffer, 0, view.byteLength - missing);
}

async function unpacked(text) {
  if (!globalThis.DecompressionStream) throw new Error("this browser cannot decompress; Chrome 103, Firefox 113 and Safari 16.4 can");
  const stream = new Blob([bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

// What a run says of an instruction.
function said(run, data, place) {
  const column = data.runs.indexOf(run.key), answer = data.answers[place][column];
  const pieces = Array.isArray(answer) ? answer : null;
  const text = pieces ? pieces.map((each) => each.slice(1)).join("") : answer;
  const verdicts = Object.fromEntries(Object.entries(data.verdicts[run.key]).map(([judge, all]) => [judge, all[place]]));
  return { run, text, pieces, verdicts, score: data.scores?.[place][column] };
}

const TESTS = {
  all: () => true,
  different: (left, right) => left.text !== right.text,
  turned: (left, right, judge) => known(left, right, judge) && Math.sign(left.verdicts[judge] - 50) !== Math.sign(right.verdicts[judge] - 50),
  longer: (left, right, judge) => known(left, right, judge) && left.text != null && right.text != null
    && length(right.text) > length(left.text) && right.verdicts[judge] > 50 && left.verdicts[judge] <= 50,
  wrong: (left, right) => right.score != null && right.score[COUNTED.indexOf("wrong")] > left.score[COUNTED.indexOf("wrong")],
};
const known = (...sides) => { const judge = sides.pop(); return sides.every((side) => side.verdicts[judge] != null); };

function preferred(percent, real) {
  if (percent == null) return "no verdict";
  if (real) return `${percent}%, ${percent > 50 ? "wins" : percent < 50 ? "loses" : "draw"}`;
  return percent > 50 ? "wins" : percent < 50 ? "loses" : "draw";
}

function helpfulness(score) {
  return COUNTED.reduce((sum, name, i) => sum - (name === "asked" ? weights[name] ** score[i] : weights[name] * score[i]), 1);
}

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

function summary(score, about) {
  const [right, wrong, repeated, unreadable, broken, unfinished] = score;
  const parts = [`${right} of ${about.asked} right`, `${wrong} wrong`, `${repeated} repeated`, `${unreadable} unreadable`];
  if (about.constraints) parts.push(`${about.constraints - broken} of ${plural(about.constraints, "constraint", "constraints")} met`);
  if (unfinished) parts.push("unfinished");
  return parts.join(", ");
}

function marked(pieces) {
  return pieces.map((piece) => {
    const mark = marks[piece[0]], text = piece.slice(1);
    if (!mark) return text;
    return site.element("span", { className: `claim ${mark.name}` },
      site.element("span", { className: "spoken", textContent: `(${mark.name}) ` }),
      signed(mark), text);
  });
}

function signed(mark) {
  const sign = site.element("span", { className: "sign", textContent: mark.sign });
  sign.setAttribute("aria-hidden", "true");
  return sign;
}

// The words that only this side has are underlined.
function compared(side, sides) {
  if (sides.some((each) => each.text == null)) return [side.text ?? "(Word for word a text that may not be passed on.)"];
  const split = sides.map((each) => words.split(each.text)), shared = words.shared(...split), index = sides.indexOf(side);
  return words.runs(split[index], shared[index]).map(([text, both]) => {
    if (both) return text;
    // The space after the last word is not underlined.
    const end = text.trimEnd();
    const part = site.element("span", {}, site.element(index ? "ins" : "del", { textContent: end }), text.slice(end.length));
    return part;
  });
}

function entry(name, ...values) {
  return [site.element("dt", { textContent: name }), site.element("dd", {}, ...values)];
}

function column(side, sides, about) {
  const list = site.element("dl", { className: "facts" });
  if (side.score) list.append(...entry("Claims", summary(side.score, about)), ...entry("Oracle's score", helpfulness(side.score).toFixed(2).replace("-", "−")));
  for (const [judge, percent] of Object.entries(side.verdicts)) {
    const name = judge === "oracle" ? judges[judge] : `${judges[judge]}'s role`;
    list.append(...entry(name, site.element("span", { className: `verdict ${percent > 50 ? "holds" : percent < 50 ? "fails" : "open"}`, textContent: preferred(percent, !side.score) })));
  }
  if (side.text != null) list.append(...entry("Length", `${length(side.text)} characters, ${plural(words.split(side.text.trim()).length, "word", "words")}`));
  const answer = site.element("div", { className: "answer" }, ...(side.pieces ? marked(side.pieces) : compared(side, sides)));
  if (side.text === "") answer.append(site.element("span", { className: "soft", textContent: "(no answer)" }));
  return site.element("article", { className: "card" }, site.element("h2", { textContent: side.run.title }), answer, list);
}

function real(place) {
  const [number, dataset, characters, fingerprint] = asked[place];
  const text = own.get(fingerprint);
  return { about: `Instruction ${number} of AlpacaEval (subset ${SUBSETS[dataset] ?? dataset}, ${characters} characters)`,
           text: text?.instruction, reference: text?.answer, by: text?.by };
}

function instruction(place) {
  const about = state.instructions?.[place];
  if (!about) return real(place);
  const asks = `asks for ${plural(about.asked, "claim", "claims")}` + (about.constraints ? ` under ${plural(about.constraints, "constraint", "constraints")}` : "");
  return { ...about, about: `Instruction ${place + 1} of the laboratory (subset ${about.dataset}, ${asks})` };
}

function show() {
  const place = state.found[state.at], about = instruction(place);
  const sides = state.pair.map(([run, data]) => said(run, data, place));
  control("about").textContent = `${about.about}`;
  control("instruction").textContent = about.text ?? "The text may not be passed on. Choose your own file of AlpacaEval's above to read it here.";
  control("instruction").className = about.text == null ? "soft" : "text";
  control("pair").replaceChildren(...sides.map((side) => column(side, sides, about)));
  control("reference").hidden = about.reference == null;
  if (about.reference != null) {
    const pieces = Array.isArray(about.reference);
    control("by").textContent = pieces ? summary(about.score, about) : about.by;
    control("referred").replaceChildren(...(pieces ? marked(about.reference) : [about.reference]));
  }
}

function step(by) {
  if (!state.found.length) return;
  state.at = (state.at + by + state.found.length) % state.found.length;
  state.place = state.found[state.at];
  update();
}

function update() {
  const count = state.found.length, total = state.pair[0][1].answers.length;
  control("comparison").hidden = !count;
  control("previous").disabled = control("next").disabled = count < 2;
  const which = FILTERS[control("filter").value];
  control("position").textContent = !count ? `None of ${total} instructions: ${which}.`
    : control("filter").value === "all" ? `${state.at + 1} of ${total}` : `${state.at + 1} of ${count} of ${total}: ${which}`;
  if (count) show();
  const values = { left: control("left").value, right: control("right").value, judge: control("judge").value, show: control("filter").value, at: state.place + 1 };
  const fragment = `#${new URLSearchParams(values)}`;
  control("link").href = fragment;
  state.fragment = fragment;
  if (location.hash !== fragment) location.replace(fragment);
}

function fill(select, options, value) {
  select.replaceChildren(...options.map(([key, text]) => new Option(text, key)));
  select.value = options.some(([key]) => key === value) ? value : options[0]?.[0] ?? "";
}

// After other runs, another judge or another filter.
function choose() {
  const judge = control("judge").value, filter = control("filter").value, laboratory = control("scale").value === "nano";
  const [left, right] = [0, 1].map((side) => state.pair[side][1].answers.map((_, place) => said(...state.pair[side], place)));
  const names = Object.keys(FILTERS).filter((name) => name !== "wrong" || laboratory);
  const found = Object.fromEntries(names.map((name) => [name, left.flatMap((side, place) => (TESTS[name](side, right[place], judge) ? [place] : []))]));
  fill(control("filter"), names.map((name) => [name, `${FILTERS[name]} (${found[name].length})`]), filter);
  state.found = found[control("filter").value];
  // Where no instruction is named, the first one with different answers: alike ones show nothing.
  state.place ??= found.different[0] ?? 0;
  // The same instruction where it is among those, else the next one.
  state.at = Math.max(0, state.found.findIndex((place) => place >= state.place));
  if (state.found.length) state.place = state.found[state.at];
  update();
}

async function change() {
  const scale = control("scale").value, laboratory = scale === "nano";
  const pair = ["left", "right"].map((side) => byKey[control(side).value]);
  const turn = state.turn = (state.turn ?? 0) + 1;
  control("position").textContent = "Loading …";
  try {
    const [instructions, ...data] = await Promise.all([laboratory ? load("nano") : null, ...pair.map((run) => load(run.family))]);
    if (turn !== state.turn) return;
    state.instructions = instructions;
    state.pair = pair.map((run, side) => [run, data[side]]);
    for (const each of document.querySelectorAll(".own")) each.hidden = laboratory;
    for (const each of document.querySelectorAll(".laboratory")) each.hidden = !laboratory;
    const both = Object.keys(judges).filter((judge) => state.pair.every(([run, found]) => judge in found.verdicts[run.key]));
    const options = both.map((judge) => [judge, judge === "oracle" ? judges[judge] : `${judges[judge]}'s role`]);
    fill(control("judge"), options.length ? options : [["", "none judged both runs"]], control("judge").value || "oracle");
    choose();
  } catch (error) {
    control("position").textContent = `The answers cannot be shown: ${error.message}.`;
  }
}

function offer(scale, left, right) {
  const options = runs.filter((run) => run.scale === scale).map((run) => [run.key, run.title]);
  control("scale").value = scale;
  fill(control("left"), options, left);
  fill(control("right"), options, right);
}

// A comparison that a link names; what it names wrongly is as at first.
function open() {
  const wanted = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const scale = byKey[wanted.left]?.scale ?? "nano", [left, right] = first[scale];
  offer(scale, byKey[wanted.left] ? wanted.left : left, byKey[wanted.right]?.scale === scale ? wanted.right : right);
  fill(control("judge"), Object.entries(judges), wanted.judge ?? "oracle");
  fill(control("filter"), Object.entries(FILTERS), wanted.show ?? "all");
  state.place = wanted.at ? Math.max(0, (parseInt(wanted.at, 10) || 1) - 1) : null;
  return change();
}

// AlpacaEval's own file: outputs, or annotations, whose output_1 is the reference's answer.
async function read(file) {
  let rows = null;
  try { rows = JSON.parse(await file.text()); } catch { /* said below */ }
  const answers = Array.isArray(rows) ? rows.filter((row) => typeof row?.instruction === "string") : [];
  if (!answers.length) { control("loaded").textContent = `${file.name} is no JSON list whose entries have “instruction”: choose AlpacaEval's alpaca_eval.json, a model_outputs.json or an annotations.json.`; return; }
  for (const row of answers) {
    const by = row.generator ?? row.generator_1;
    own.set(words.fingerprint(row.instruction), { instruction: row.instruction, answer: row.output ?? row.output_1, by: `In your file${by ? `, by ${by}` : ""}` });
  }
  const there = asked.filter(([, , , fingerprint]) => own.has(fingerprint)).length;
  control("loaded").textContent = `${there} of ${asked.length} instructions were found in ${file.name}.`;
  if (state.found.length) show();
}

control("controls").addEventListener("submit", (event) => event.preventDefault());
control("controls").addEventListener("change", ({ target }) => {
  if (target.id === "own") return target.files[0] && read(target.files[0]);
  if (target.id === "scale") { state.place = null; offer(target.value, ...first[target.value]); }
  return target.id === "judge" || target.id === "filter" ? choose() : change();
});
// A file of AlpacaEval's can be dropped anywhere; it is on instructions of the real models alone.
document.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
document.addEventListener("drop", async (event) => {
  const file = event.dataTransfer?.files[0];
  if (!file) return;
  event.preventDefault();
  if (control("scale").value !== "small") { state.place = null; offer("small", ...first.small); await change(); }
  await read(file);
});
control("previous").addEventListener("click", () => step(-1));
control("next").addEventListener("click", () => step(1));
document.addEventListener("keydown", (event) => {
  const by = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[event.key];
  if (!by || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("a, button, input, select, summary, [tabindex]")) return;
  event.preventDefault();
  step(by);
});
addEventListener("hashchange", () => { if (location.hash !== state.fragment) open(); });
open();
