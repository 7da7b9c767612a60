// Draws the charts in the page's current colors. Draws them again when the color scheme changes or the page is printed.
(() => {
  "use strict";
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const config = {
    responsive: true, displaylogo: false,
    displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false,
    modeBarButtons: [["toImage", "resetScale2d"]], toImageButtonOptions: { format: "svg", filename: "unlearnkit" },
  };
  const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function themed(layout) {
    const copy = structuredClone(layout);
    const ink = color("--ink"), soft = color("--soft"), grid = color("--grid"), line = color("--line");
    copy.font = { family: color("--font"), size: 13, color: ink };
    copy.hoverlabel = { bgcolor: color("--raised"), bordercolor: line, font: { color: ink } };
    copy.modebar = { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: ink };
    for (const key of Object.keys(copy)) {
      if (!/^[xy]axis\d*$/.test(key)) continue;
      const axis = copy[key];
      axis.gridcolor = grid;
      axis.zerolinecolor = axis.zerolinewidth > 1 ? soft : line;
      axis.tickfont = { color: soft, size: 12 };
      if (axis.title) axis.title.font = { color: soft, size: 13 };
    }
    return copy;
  }

  function draw() {
    for (const [id, figure] of Object.entries(figures)) {
      Plotly.react(id, structuredClone(figure.data), themed(figure.layout), config);
    }
  }

  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let closed = [];
  addEventListener("beforeprint", () => {
    root.dataset.theme = "light";
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    draw();
  });
  addEventListener("afterprint", () => {
    delete root.dataset.theme;
    for (const details of closed) details.open = false;
    draw();
  });
})();
