"use strict";
// What the page does beyond its forms: times in the reader's zone, plots, and what clients do as it happens.
(() => {
  for (const t of document.querySelectorAll("time[datetime]")) {
    const d = new Date(t.dateTime);
    if (!isNaN(d)) {
      t.title = t.textContent;
      t.textContent = d.toLocaleString();
    }
  }

  const number = (n, digits) => n.toLocaleString("en", { maximumFractionDigits: digits ?? (Math.abs(n) < 10 ? 2 : 0) });
  const units = {
    count: n => number(n),
    bytes: n => {
      const names = ["bytes", "KB", "MB", "GB", "TB"];
      let i = 0;
      while (Math.abs(n) >= 1024 && i < names.length - 1) { n /= 1024; i++; }
      return number(n, i && Math.abs(n) < 100 ? 1 : 0) + " " + names[i];
    },
    usec: n => n >= 1e6 ? number(n / 1e6, 2) + " s" : n >= 1000 ? number(n / 1000, 1) + " ms" : number(n, 0) + " µs",
  };
  const names = {
    ops: "commands", hits: "hits", misses: "misses", p50: "half within", p99: "99 of 100 within", memory: "process", hot: "keys in memory",
    disk: "on disk", keys: "keys", expired: "expired", evicted: "evicted", lag: "waiting", clients: "clients", in: "in", out: "out",
  };
  const binary = Array.from({ length: 50 }, (_, i) => 2 ** i); // so that bytes are divided where their units are
  const get = path => fetch(path, { headers: { Accept: "application/json" }, credentials: "same-origin" })
    .then(r => r.ok ? r.json() : Promise.reject(new Error(String(r.status))));

  const holder = document.getElementById("plots");
  if (holder && window.uPlot) {
    let span = "hour", shown = [];
    const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const draw = data => {
      for (const p of shown) p.destroy();
      shown = [];
      const width = { hour: 3600, day: 86400, month: 30 * 86400 }[span], now = Date.now() / 1000;
      for (const figure of holder.children) {
        const canvas = figure.querySelector(".canvas"), unit = units[figure.dataset.unit];
        const figures = figure.dataset.figures.split(" ");
        const latest = figure.querySelector(".latest");
        latest.replaceChildren();
        figures.forEach((f, i) => {
          const last = data[f][data[f].length - 1];
          const key = document.createElement("span"), value = document.createElement("b");
          key.className = "key" + i;
          value.textContent = last === undefined ? "–" : unit(last);
          latest.append(key, names[f] + " ", value, i < figures.length - 1 ? " \u00a0 " : "");
        });
        const axis = { stroke: style("--dim"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line"), width: 1 } };
        shown.push(new uPlot({
          width: Math.max(200, canvas.clientWidth), height: 170, legend: { show: false }, cursor: { show: false },
          scales: { x: { range: () => [now - width, now] }, y: { range: (u, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
          axes: [{ ...axis }, { ...axis, size: 70, values: (u, all) => all.map(unit), ...(figure.dataset.unit === "bytes" ? { incrs: binary } : {}) }],
          series: [{}, ...figures.map((f, i) => ({ stroke: style("--p" + i), width: 1.5, points: { show: data.at.length < 3 }, spanGaps: false }))],
        }, [data.at, ...figures.map(f => data[f])], canvas));
      }
      holder.dataset.samples = data.at.length;
    };
    const plot = () => get("/samples?span=" + span).then(draw).catch(() => { holder.dataset.failed = "yes"; });
    const spans = document.getElementById("spans");
    spans.hidden = false;
    spans.addEventListener("click", e => {
      if (!e.target.dataset.span) return;
      span = e.target.dataset.span;
      for (const b of spans.children) b.setAttribute("aria-pressed", String(b === e.target));
      plot();
    });
    const tiles = () => get("/").then(all => {
      const list = document.getElementById("tiles");
      if (all.length !== list.children.length) return location.reload();
      all.forEach((t, i) => {
        const tile = list.children[i];
        tile.classList.toggle("bad", t.Bad);
        tile.querySelector("strong").textContent = t.Value;
        tile.querySelector("span").textContent = t.More;
      });
    }).catch(() => {});
    plot();
    setInterval(() => { if (!document.hidden) tiles(); }, 3000);
    setInterval(() => { if (!document.hidden) plot(); }, 10000);
    let resized;
    addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(plot, 300); });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", plot);
  }

  const monitor = document.getElementById("monitor");
  if (monitor) {
    const out = document.getElementById("monitored"), state = document.getElementById("monitor-state");
    const begin = document.getElementById("begin"), end = document.getElementById("end");
    let source = null;
    const stop = text => {
      if (source) source.close();
      source = null;
      begin.disabled = false;
      end.disabled = true;
      state.textContent = text;
    };
    monitor.hidden = false;
    monitor.addEventListener("submit", e => {
      e.preventDefault();
      out.textContent = "";
      begin.disabled = true;
      end.disabled = false;
      state.textContent = "Listening …";
      source = new EventSource("/live/monitor?filter=" + encodeURIComponent(monitor.elements.filter.value));
      source.addEventListener("line", e => {
        const below = out.scrollHeight - out.scrollTop - out.clientHeight < 40;
        out.append(e.data + "\n");
        if (below) out.scrollTop = out.scrollHeight;
      });
      source.addEventListener("end", e => stop("Ended: " + e.data + "."));
      source.addEventListener("error", () => stop("Ended: the server does not send any more. The user needs the permission to run MONITOR."));
    });
    end.addEventListener("click", () => stop("Ended."));
  }
})();
