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
