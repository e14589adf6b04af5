// The blind study's page. State is the rater's name and a list of choices, one for each showing in
// order; every choice is written to localStorage at once. Nothing here makes a request.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const bytes = Uint8Array.from(atob(byId("study").textContent.trim()), (c) => c.charCodeAt(0));
  const study = JSON.parse(new TextDecoder().decode(bytes));
  const showings = study.showings.map(([pair, secondIsA, repeat]) => ({ pair, secondIsA, repeat }));
  const PREFIX = `blind-study-${study.study}-`;
  const LAST = `blind-study-last-${study.study}`;
  const NAMES = { A: "A is better", B: "B is better", tie: "Tie", neither: "Neither is good" };
  const KEYS = { ArrowLeft: "A", a: "A", ArrowRight: "B", b: "B", t: "tie", n: "neither" };

  let rater = "";
  let choices = [];
  let shownAt = 0;
  let unsaved = false;

  // ---- what the browser keeps

  // Browsers may refuse localStorage to files on disk or in private windows, by any exception.
  const stored = {
    works: true,
    get(name) {
      try {
        return localStorage.getItem(name);
      } catch {
        stored.fails();
        return null;
      }
    },
    set(name, value) {
      try {
        localStorage.setItem(name, value);
      } catch {
        stored.fails();
      }
    },
    fails() {
      stored.works = false;
      byId("storage").hidden = false;
    },
  };

  function kept(name) {
    try {
      const found = JSON.parse(stored.get(PREFIX + name) ?? "[]");
      return Array.isArray(found) && found.every(isChoice) ? found.slice(0, showings.length) : [];
    } catch {
      return [];
    }
  }

  const isChoice = (one) =>
    one !== null && typeof one === "object" && Object.hasOwn(NAMES, one.choice) &&
    Number.isFinite(one.seconds) && one.seconds >= 0 && typeof one.rated_at === "string";

  function keep() {
    stored.set(PREFIX + rater, JSON.stringify(choices));
    stored.set(LAST, rater);
    unsaved = true;
  }

  // ---- what is seen

  function show(said = "") {
    const at = choices.length;
    const begun = rater !== "";
    const done = begun && at === showings.length;
    byId("start").hidden = begun;
    byId("rating").hidden = !begun || done;
    byId("done").hidden = !done;
    for (const id of ["progress", "tools", "foot"]) byId(id).hidden = !begun;
    if (!begun) return;
    byId("bar").max = showings.length;
    byId("bar").value = at;
    byId("count").textContent = `${at} of ${showings.length}`;
    byId("undo").disabled = at === 0;
    byId("who").textContent = rater;
    let where = "All pairs are rated.";
    if (!done) {
      const { pair, secondIsA } = showings[at];
      const [instruction, first, second] = study.pairs[pair];
      where = `Pair ${at + 1} of ${showings.length}`;
      byId("pair-title").textContent = where;
      byId("instruction").textContent = instruction;
      fill("answer-a", secondIsA ? second : first);
      fill("answer-b", secondIsA ? first : second);
    }
    byId("status").textContent = said ? `${said} ${where}` : where;
    byId(done ? "done-title" : "pair-title").focus({ preventScroll: true });
    window.scrollTo(0, 0);
    shownAt = performance.now();
  }

  function fill(id, answer) {
    const empty = answer.trim() === "";
    byId(id).textContent = empty ? "(an empty answer)" : answer;
    byId(id).classList.toggle("empty", empty);
  }

  // ---- what the rater does

  function begin(name, found) {
    rater = name;
    choices = found;
    stored.set(LAST, rater);
    unsaved = false;
    show(choices.length ? `Welcome back, ${rater}.` : "");
  }

  function choose(choice) {
    if (rater === "" || choices.length === showings.length) return;
    const seconds = Math.round((performance.now() - shownAt) / 100) / 10;
    choices.push({ choice, seconds, rated_at: new Date().toISOString() });
    keep();
    show(`${NAMES[choice]}.`);
  }

  function undo() {
    if (rater === "" || choices.length === 0) return;
    choices.pop();
    keep();
    show("Undone.");
  }

  // AlpacaEval's annotations: 1 where the first run's answer is preferred, 2 where the second's is,
  // 1.5 for a draw. What the merge needs stands beside them.
  function annotations() {
    return choices.map(({ choice, seconds, rated_at }, number) => {
      const { pair, secondIsA, repeat } = showings[number];
      const [instruction, output_1, output_2] = study.pairs[pair];
      const preference = choice === "A" || choice === "B" ? ((choice === "A") === secondIsA ? 2 : 1) : 1.5;
      return {
        instruction, output_1, output_2, annotator: rater, preference,
        study: study.study, showing: number, pair, answer_a: secondIsA ? 2 : 1, repeat, choice, seconds, rated_at,
      };
    });
  }

  function save() {
    const text = JSON.stringify(annotations(), null, 1) + "\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = `ratings-${study.study}-${rater.replace(/[^\p{L}\p{N}]+/gu, "-")}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    byId("status").textContent = `${choices.length} ratings saved as ${link.download}.`;
  }

  async function load(file) {
    const rows = JSON.parse(await file.text());
    if (!Array.isArray(rows) || rows.length === 0) throw new Error("it holds no ratings");
    const ofThis = rows.every((row) => row?.study === study.study);
    if (!ofThis) throw new Error("it is of another study");
    const inOrder = rows.length <= showings.length && rows.every((row, n) => row.showing === n && isChoice(row));
    const name = rows[0].annotator;
    if (!inOrder || !isName(name) || rows.some((row) => row.annotator !== name)) throw new Error("it is damaged");
    const here = kept(name).length;
    if (here > rows.length) throw new Error(`this browser has ${here} ratings of ${name}; begin with that name`);
    begin(name, rows.map(({ choice, seconds, rated_at }) => ({ choice, seconds, rated_at })));
    keep();
  }

  const isName = (name) => typeof name === "string" && name.trim() === name && /^[^\p{C}]{1,60}$/u.test(name);

  // ---- what calls it

  byId("begin").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = byId("rater").value.trim();
    byId("rater-error").textContent = isName(name) ? "" : "Please enter a name or initials.";
    if (isName(name)) begin(name, kept(name));
    else byId("rater").focus();
  });
  byId("file").addEventListener("change", async (event) => {
    byId("file-error").textContent = "";
    try {
      if (event.target.files.length) await load(event.target.files[0]);
    } catch (error) {
      const why = error instanceof SyntaxError ? "it is not JSON" : error.message;
      byId("file-error").textContent = `This file cannot be loaded: ${why}.`;
    }
    event.target.value = "";
  });
  for (const button of document.querySelectorAll("[data-choice]")) {
    button.addEventListener("click", () => choose(button.dataset.choice));
  }
  byId("undo").addEventListener("click", undo);
  byId("save").addEventListener("click", save);
  byId("save-all").addEventListener("click", save);
  byId("change").addEventListener("click", () => {
    rater = "";
    byId("rater").value = "";
    show();
    byId("start-title").focus();
  });
  document.addEventListener("keydown", (event) => {
    // A key that is held down must not rate pair after pair.
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || !byId("keys").checked) return;
    if (event.target.closest?.("input:not([type=checkbox]), textarea, select, summary")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "u") undo();
    else if (Object.hasOwn(KEYS, key)) choose(KEYS[key]);
    else return;
    event.preventDefault();
  });
  // Two windows of one rater stay alike.
  window.addEventListener("storage", (event) => {
    if (rater !== "" && event.key === PREFIX + rater) {
      choices = kept(rater);
      show();
    }
  });
  window.addEventListener("beforeunload", (event) => {
    if (!stored.works && unsaved) event.preventDefault();
  });

  byId("total").textContent = showings.length;
  byId("notice").textContent = study.notice;
  byId("notice").hidden = study.notice === "";
  const last = stored.get(LAST);
  if (isName(last)) begin(last, kept(last));
  else show();
})();
