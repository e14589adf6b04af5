// A reader's own runs: files of runs found in what was dropped or chosen, read as explorer.py and
// own_runs.py read them.
"use strict";

const ownRuns = {
  // A CSV file as a list of records, by the titles of its first line.
  parsed(text) {
    const records = [];
    let field = "", record = [], quoted = false;
    for (const character of `${text}\n`) {
      if (character === '"') quoted = !quoted;
      else if (character === "," && !quoted) { record.push(field); field = ""; }
      else if (character === "\n" && !quoted) { record.push(field.replace(/\r$/, "")); if (record.length > 1) records.push(record); record = []; field = ""; }
      else field += character;
    }
    const [head = [], ...rows] = records;
    return { head, rows: rows.map((row) => Object.fromEntries(head.map((name, place) => [name, row[place] ?? ""]))) };
  },

  // The rows of a file, or an error that says what is wrong with it.
  async read(file, { columns, numbers }) {
    const { head, rows } = ownRuns.parsed(await file.text()), name = file.path ?? file.name;
    const missing = columns.filter((each) => !head.includes(each));
    if (missing.length) throw new Error(`${name} is no file of runs: it has no ${missing.length > 1 ? "columns" : "column"} ${missing.join(", ")}`);
    if (!rows.length) throw new Error(`${name} has no run below its first line`);
    rows.forEach((row, place) => {
      for (const each of numbers)
        if (row[each].trim() === "" || !Number.isFinite(Number(row[each]))) throw new Error(`${name}, line ${place + 2}: ${each} is “${row[each]}”, and should be a number`);
    });
    return rows;
  },

  // The KL divergence of an alpha, between measured ones; null outside of them.
  dose(row, model, { usual, ofDose }) {
    const alpha = Number(row.alpha);
    if (alpha === 0) return 0;
    if (!model || ofDose.some((name) => (row[name] ?? usual[name]) !== usual[name])) return null;
    const points = Object.entries(model.kl).map(([at, kl]) => [Number(at), kl]).filter(([at, kl]) => at > 0 && kl > 0)
      .map((point) => point.map(Math.log)).sort((a, b) => a[0] - b[0]);
    const wanted = Math.log(alpha), close = points.find(([x]) => Math.abs(x - wanted) <= 1e-9 * Math.abs(wanted));
    const rounded = (log) => Math.round(Math.exp(log) * 1e5) / 1e5;
    if (close) return rounded(close[1]);
    for (let i = 1; i < points.length; i++) {
      const [x, y] = points[i - 1], [further, higher] = points[i];
      if (x < wanted && wanted < further) return rounded(y + (higher - y) * (wanted - x) / (further - x));
    }
    return null;
  },

  // A row as the page's own runs are.
  run(row, reading, measures) {
    const last = row.model.split("/").at(-1);
    const model = reading.models.find((each) => (row.model === each.role || last === each.name) && row.parameters === each.parameters);
    const usual = { ...reading.usual, piece_tokens: reading.pieces[row.dataset] ?? "" };
    const other = Object.entries(usual).filter(([name, value]) => (row[name] ?? value) !== value)
      .map(([name]) => `${name.replaceAll("_", " ")} ${row[name] || "none"}`);
    const found = { run: row.run, whose: "yours", model: model?.title ?? row.model, dataset: reading.datasets[row.dataset] ?? row.dataset,
                    alpha: Number(row.alpha), dose: ownRuns.dose(row, model, reading), lr: Number(row.lr), epochs: Number(row.epochs),
                    seed: Number(row.seed), other: other.join(", ") || "usual" };
    for (const name of Object.keys(measures)) if (row[name]) found[name] = Number(row[name]);
    return found;
  },

  // The files of what was dropped. Of a folder only files of runs are taken, at any depth.
  async dropped(transfer, names) {
    // All items have to be asked for before the first wait, after which a drop is over.
    const items = [...transfer.items].filter((item) => item.kind === "file").map((item) =>
      ({ handle: item.getAsFileSystemHandle?.(), entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
    const found = { files: [], folders: [] };
    for (const { handle, entry, file } of items) {
      const opened = await handle?.catch(() => null);
      if (opened ? opened.kind === "directory" : entry?.isDirectory) {
        const inside = opened ? ownRuns.ofHandle(opened, names, opened.name) : ownRuns.ofEntry(entry, names);
        found.folders.push(opened?.name ?? entry.name);
        found.files.push(...await inside);
      } else if (file) found.files.push(file);
    }
    return found;
  },

  async ofHandle(folder, names, path) {
    const found = [];
    for await (const each of folder.values()) {
      if (each.kind === "directory") found.push(...await ownRuns.ofHandle(each, names, `${path}/${each.name}`));
      else if (names.includes(each.name)) found.push(Object.assign(await each.getFile(), { path: `${path}/${each.name}` }));
    }
    return found;
  },

  // For browsers without handles.
  async ofEntry(folder, names) {
    const reader = folder.createReader(), found = [];
    for (;;) {
      const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!entries.length) return found;
      for (const each of entries) {
        if (each.isDirectory) found.push(...await ownRuns.ofEntry(each, names));
        else if (names.includes(each.name))
          found.push(Object.assign(await new Promise((resolve, reject) => each.file(resolve, reject)), { path: each.fullPath.slice(1) }));
      }
    }
  },
};
