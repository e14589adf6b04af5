// The noise and its rivals: what each setting changes, from the same training without noise.
"use strict";

const NARROW = 520;

const rivals = {
  // The learning rate and number of epochs of most trainings with noise, of those that are given.
  usual(runs) {
    const counts = new Map();
    for (const { alpha, other, lr, epochs } of runs)
      if (alpha > 0 && other === "usual") counts.set(`${lr} ${epochs}`, (counts.get(`${lr} ${epochs}`) ?? 0) + 1);
    const most = [...counts].sort((a, b) => b[1] - a[1])[0];
    return most ? most[0].split(" ").map(Number) : null;
  },

  // Which rival a training without noise is: its key and its setting.
  kind(run, lr, epochs, titles) {
    if (run.other === "usual") {
      // Without an epoch nothing is trained, which is no rival.
      if (run.lr === lr && run.epochs > 0 && run.epochs < epochs) return ["epochs", run.epochs];
      if (run.epochs === epochs && run.lr < lr) return ["lr", run.lr];
      return null;
    }
    if (run.lr !== lr || run.epochs !== epochs || run.other.includes(",")) return null;
    const place = run.other.lastIndexOf(" "), name = run.other.slice(0, place);
    return name in titles ? [name, Number(run.other.slice(place + 1))] : null;
  },

  // Every setting with its differences by seed, the noise's first.
  settings(runs, y, titles) {
    const usual = rivals.usual(runs);
    if (!usual) return [];
    const [lr, epochs] = usual, base = new Map(), found = new Map();
    const seed = (run) => `${run.whose} ${run.seed}`;
    for (const run of runs)
      if (run.alpha === 0 && run.other === "usual" && run.lr === lr && run.epochs === epochs && run[y] != null) base.set(seed(run), run[y]);
    for (const run of runs) {
      if (run[y] == null || !base.has(seed(run))) continue;
      const noise = run.alpha > 0 && run.other === "usual" && run.lr === lr && run.epochs === epochs;
      const [key, value] = noise ? ["noise", run.alpha] : (run.alpha === 0 && rivals.kind(run, lr, epochs, titles)) || [];
      if (!key) continue;
      const label = noise ? `noise, alpha ${value}` : `${titles[key]}: ${value}`;
      if (!found.has(label)) found.set(label, { label, key, value, bySeed: {} });
      found.get(label).bySeed[seed(run)] = run[y] - base.get(seed(run));
    }
    const order = ["noise", ...Object.keys(titles)];
    for (const each of found.values()) {
      const all = Object.values(each.bySeed);
      Object.assign(each, { mean: all.reduce((sum, one) => sum + one, 0) / all.length, low: Math.min(...all), high: Math.max(...all), seeds: all.length,
                            group: each.key === "noise" ? "noise" : "without noise" });
    }
    return [...found.values()].sort((a, b) => order.indexOf(a.key) - order.indexOf(b.key) || a.value - b.value);
  },

  best(settings, better) {
    const sign = better === "lower" ? -1 : 1;
    return settings.reduce((one, two) => (!one || sign * two.mean > sign * one.mean ? two : one), null);
  },

  // What the picture shows, in words.
  message(settings, better, digits) {
    const noise = settings.filter((each) => each.key === "noise"), others = settings.filter((each) => each.key !== "noise");
    if (!better) return "Neither more nor less of this is better in itself, so no setting is the best.";
    const one = rivals.best(noise, better), two = rivals.best(others, better), said = (value) => site.signed(value, digits);
    const both = Object.keys(one.bySeed).filter((seed) => seed in two.bySeed).map((seed) => one.bySeed[seed] - two.bySeed[seed]);
    const ahead = both.filter((each) => (better === "lower" ? each < 0 : each > 0)).length;
    const compared = both.length ? ` With the same seed the noise is ahead in ${ahead} of ${both.length}: ${both.map(said).join(", ")}.` : "";
    return `Best alpha: ${one.value}, ${said(one.mean)}. Best without noise: ${two.label}, ${said(two.mean)}.${compared}`;
  },

  // Settings far away would press all others together; they end at the edge, with their number.
  reach(settings) {
    const near = new Map();
    for (const each of settings) if (!near.has(each.key) || Math.abs(each.mean) < Math.abs(near.get(each.key).mean)) near.set(each.key, each);
    const kept = settings.filter((each) => each.key === "noise" || near.get(each.key) === each);
    return 1.15 * Math.max(...kept.flatMap((each) => [Math.abs(each.low), Math.abs(each.high)])) || 1;
  },

  // On a narrow screen the names stand above their rows.
  spec(settings, title, better, digits, narrow) {
    const most = rivals.reach(settings), inside = (value) => Math.max(-most, Math.min(most, value));
    const rows = settings.map((each) => ({ ...each, from: inside(each.low), to: inside(each.high), at: inside(each.mean), beyond: Math.abs(each.mean) > most,
                                           side: each.mean < 0 ? "left" : "right", text: site.signed(each.mean, digits) }));
    const seeds = rows.filter((row) => !row.beyond).flatMap((row) => Object.values(row.bySeed).filter((value) => Math.abs(value) <= most).map((value) => ({ label: row.label, group: row.group, value })));
    const y = { field: "label", type: "nominal", sort: rows.map((row) => row.label), axis: { title: null, grid: true, domain: false, ticks: false, labels: !narrow } };
    const x = (field) => ({ field, type: "quantitative", scale: { domain: [-most, most], nice: false }, axis: { title: [title, "change from no noise, same seed"], tickCount: 5, grid: false } });
    const color = { field: "group", type: "nominal", title: null, legend: { orient: "top" }, scale: { domain: ["noise", "without noise"], range: [site.colour("blue"), site.colour("red")] } };
    const best = better ? rivals.best(settings.filter((each) => each.key === "noise"), better).mean : null;
    const tooltip = [["label", "setting"], ["text", "mean change"], ["seeds", "seeds"]].map(([field, name]) => ({ field, title: name }));
    const beyond = (side) => ({ transform: [{ filter: `datum.beyond && datum.side === "${side}"` }],
      mark: { type: "text", align: side, dx: side === "left" ? 2 : -2, baseline: "middle", fontSize: 11, fontWeight: 600 },
      encoding: { y, x: x("at"), color, text: { field: side === "left" ? "leftText" : "rightText" } } });
    for (const row of rows) { row.leftText = `◀ ${row.text}`; row.rightText = `${row.text} ▶`; }
    return {
      $schema: "https://vega.github.io/schema/vega-lite/v6.json",
      description: `The noise and its rivals: change of ${title} from the same training without noise; the table below has the numbers`,
      data: { values: rows }, width: "container", height: { step: narrow ? 34 : 21 }, autosize: { type: "fit-x", contains: "padding" },
      layer: [
        { data: { values: [{ zero: 0 }] }, mark: { type: "rule", color: site.colour("soft") }, encoding: { x: x("zero") } },
        ...(best == null ? [] : [{ data: { values: [{ best }] }, mark: { type: "rule", color: site.colour("blue"), strokeDash: [4, 3] }, encoding: { x: x("best") } }]),
        ...(narrow ? [{ mark: { type: "text", align: "left", dy: -12, fontSize: 12, color: site.colour("soft") }, encoding: { y, x: { value: 0 }, text: { field: "label" } } }] : []),
        { transform: [{ filter: "!datum.beyond" }], mark: { type: "rule", strokeWidth: 2, opacity: 0.6 }, encoding: { y, x: x("from"), x2: { field: "to" }, color } },
        { data: { values: seeds }, mark: { type: "tick", thickness: 1.5, size: 9, opacity: 0.8 }, encoding: { y, x: x("value"), color } },
        { transform: [{ filter: "!datum.beyond" }], mark: { type: "point", filled: true, size: 60, opacity: 1 }, encoding: { y, x: x("at"), color, tooltip } },
        beyond("left"), beyond("right"),
      ],
    };
  },

  table(settings, digits) {
    const line = (tag, values) => site.element("tr", {}, ...values.map((each) => site.element(tag, { textContent: each })));
    return [site.element("thead", {}, line("th", ["setting", "mean change", "seeds", "change by seed"])),
      site.element("tbody", {}, ...settings.map((each) => line("td",
        [each.label, site.signed(each.mean, digits), each.seeds, Object.values(each.bySeed).map((value) => site.signed(value, digits)).join(", ")])))];
  },

  // Draw the settings of the runs of one model and one set, or say why there is nothing to draw.
  async show(place, runs, y, measure, titles) {
    const groups = new Set(runs.map((run) => `${run.model}\n${run.dataset}`)), settings = groups.size === 1 ? rivals.settings(runs, y, titles) : [];
    const there = ["noise", "without noise"].every((group) => settings.some((each) => each.group === group));
    place.drawn.hidden = !there;
    if (!there) {
      place.message.textContent = groups.size > 1 ? "Choose one model and one instruction set above to see its rivals."
        : "With this model and set no rival has this measurement beside the noise: choose another set or measure.";
      return;
    }
    const digits = Math.max(...settings.filter((each) => each.key === "noise").map((each) => Math.abs(each.mean))) < 0.2 ? 3 : 1;
    place.message.textContent = rivals.message(settings, measure.better, digits);
    place.table.replaceChildren(...rivals.table(settings, digits));
    place.chart.replaceChildren();
    await site.chart(place.chart, rivals.spec(settings, measure.title, measure.better, digits, place.chart.clientWidth < NARROW));
  },
};
