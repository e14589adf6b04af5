// What all pages share: their data, charts in the reader's colours, and buttons that copy a command.
"use strict";

const site = {
  data() {
    const element = document.getElementById("data");
    return element ? JSON.parse(element.textContent) : {};
  },

  colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  },

  // A chart of a Vega-Lite specification, as SVG, in the colours of the page.
  async chart(place, spec) {
    const ink = site.colour("ink"), soft = site.colour("soft"), line = site.colour("line");
    const config = {
      background: null, font: "system-ui, sans-serif", view: { stroke: null },
      axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line,
              labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 340 },
      header: { labelColor: ink, titleColor: ink, labelFontSize: 13, labelFontWeight: 600, labelAnchor: "start" },
      legend: { labelColor: ink, titleColor: soft, labelFontSize: 12, titleFontWeight: "normal", labelLimit: 300 },
      title: { color: ink, anchor: "start", fontSize: 14 }, text: { color: ink },
    };
    const result = await vegaEmbed(place, { ...spec, config }, { actions: false, renderer: "svg", tooltip: { theme: "custom" } });
    const svg = place.querySelector("svg");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", spec.description);
    for (const each of svg.querySelectorAll("[role=graphics-symbol], [role=graphics-object], [aria-roledescription]")) {
      each.removeAttribute("role"); each.removeAttribute("aria-roledescription"); each.removeAttribute("aria-label");
    }
    return result.view;
  },

  // An interval on an axis from -most to +most, with 0 in the middle; what lies beyond ends in an arrow.
  interval({ value, low, high }, most, look, band = 0) {
    const width = 300, height = 22, middle = height / 2;
    const place = (each) => width * (Math.max(-most, Math.min(most, each)) + most) / (2 * most);
    const parts = band ? [`<rect class="band" x="${place(-band)}" width="${place(band) - place(-band)}" y="0" height="${height}"/>`] : [];
    parts.push(`<line class="zero" x1="${width / 2}" x2="${width / 2}" y1="0" y2="${height}"/>`);
    if (value != null) {
      const ends = [low ?? value, high ?? value];
      parts.push(`<line class="span ${look}" x1="${place(ends[0])}" x2="${place(ends[1])}" y1="${middle}" y2="${middle}"/>`);
      for (const [end, side] of [[ends[0], -1], [ends[1], 1]])
        if (Math.abs(end) > most && Math.sign(end) === side) {
          const x = place(end);
          parts.push(`<path class="arrow ${look}" d="M${x - side * 7} ${middle - 4}L${x} ${middle}L${x - side * 7} ${middle + 4}"/>`);
        }
      if (Math.abs(value) <= most) parts.push(`<circle class="${look}" cx="${place(value)}" cy="${middle}" r="4"/>`);
    }
    return site.element("span", { innerHTML: `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-hidden="true">${parts.join("")}</svg>` });
  },

  signed(value, digits) {
    return (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
  },

  // A cell of a table that says on a narrow screen, without the table's head, what it is.
  named(name, text) {
    const made = site.element("td", { textContent: text });
    if (text !== "") made.dataset.name = name;
    return made;
  },

  // A row of a table whose first cell opens another row below it, which is made when it is first opened.
  opening(text, id, cells, details) {
    const opener = site.element("button", { textContent: text, className: "opener" });
    opener.setAttribute("aria-expanded", "false");
    opener.setAttribute("aria-controls", id);
    const inside = site.element("td", { colSpan: cells.length + 1 });
    const more = site.element("tr", { id, hidden: true }, inside);
    opener.addEventListener("click", () => {
      more.hidden = !more.hidden;
      opener.setAttribute("aria-expanded", String(!more.hidden));
      if (!inside.childElementCount) inside.append(details());
    });
    return [site.element("tr", {}, site.element("th", { scope: "row" }, opener), ...cells), more];
  },

  element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  },
};

for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const text = button.dataset.copy;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
    catch { window.getSelection().selectAllChildren(button.previousElementSibling); button.textContent = "Selected: press Ctrl+C"; }
  });
}

// Charts have the colours in which the page was when they were drawn.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new Event("colours")));
