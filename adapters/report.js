// The one convenience, without which the page is complete: zone choosers, which write the rows of one zone from the
// embedded values.
(() => {
  "use strict";
  const holder = document.getElementById("zones");
  if (!holder) return;
  const { levels, worst, tables } = JSON.parse(holder.textContent);
  const MINUS = "\u2212";
  const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });

  const count = (value) => {
    const tenths = Math.round(Math.abs(value) * 10);
    return (value < 0 && tenths ? MINUS : "") + number.format(tenths / 10);
  };
  const signed = (value) => (value > 0 && count(value) !== "0" ? "+" : "") + count(value);
  const percent = (share) => {
    const value = share * 100;
    if (value === 0 || Math.abs(value) >= 0.95) return value.toFixed(1) + "%";
    if (Math.abs(value) < 0.001) return "<0.001%";
    return value.toFixed(1 - Math.floor(Math.log10(Math.abs(value)))) + "%";
  };

  // A column is every value, 0 (as the reference), or the places where it differs from the reference.
  const column = (stored, first, reference) => {
    const values = reference.slice();
    if (Array.isArray(stored)) return values.map((_, cell) => stored[first + cell]);
    if (stored) stored.i.forEach((place, at) => {
      if (place >= first && place < first + values.length) values[place - first] = stored.v[at];
    });
    return values;
  };

  const rowsOf = (table, zone) => {
    const row = table.has ? table.has.slice(0, zone).filter(Boolean).length : zone;
    if (table.has && !table.has[zone]) return [];
    const size = table.cells.length, first = row * size;
    const aimed = table.aimed.slice(first, first + size);
    const total = aimed.reduce((sum, value) => sum + value, 0) || 1;
    const shares = aimed.map((value) => value / total);
    const isShare = table.measure === "share";
    const published = column(table.published, first, isShare ? shares : aimed);
    const synthetic = column(table.synthetic, first, aimed.map(Math.round));
    const drawn = synthetic.reduce((sum, value) => sum + value, 0) || 1;
    const outside = new Set(table.outside);
    return table.cells.map((label, cell) => ({
      label,
      published: (isShare ? percent : count)(published[cell]),
      moe: table.moe && table.moe[first + cell] !== null ? (isShare ? percent : count)(table.moe[first + cell]) : "",
      aimed: aimed[cell],
      synthetic: synthetic[cell],
      aimedShare: shares[cell],
      syntheticShare: synthetic[cell] / drawn,
      isWithin: !outside.has(first + cell),
    }));
  };

  const add = (parent, tag, text, className) => {
    const child = parent.appendChild(document.createElement(tag));
    if (text !== undefined) child.textContent = text;
    if (className) child.className = className;
    return child;
  };

  const writeRow = (body, row, top) => {
    const line = add(body, "tr");
    const head = add(line, "th", row.label);
    head.scope = "row";
    const pair = add(head, "span", undefined, "pair");
    add(pair, "i").style.width = (100 * row.syntheticShare) / top + "%";
    add(pair, "b").style.width = (100 * row.aimedShare) / top + "%";
    add(line, "td", row.published + (row.moe ? " ±" + row.moe : ""), "n");
    add(line, "td", count(row.aimed), "n");
    add(line, "td", count(row.synthetic), "n");
    add(line, "td", signed(row.aimed - row.synthetic), "n");
    add(line, "td", row.isWithin ? "yes" : "no", row.isWithin ? "n" : "n bad");
  };

  // Thousands of options are slow to lay out: a chooser gets its own when it comes into view.
  const chosen = {}, filled = new Set();
  const fill = (key) => {
    const { level } = tables[key];
    const names = levels[level], ranked = worst[level];
    const select = document.getElementById(key + "-zone");
    if (filled.has(key)) return;
    filled.add(key);
    select.replaceChildren();
    const group = (label, places) => {
      const options = add(select, "optgroup");
      options.label = label;
      places.forEach((place) => { add(options, "option", names[place]).value = place; });
    };
    add(select, "option", "all zones").value = "";
    if (names.length > ranked.length * 2) group("worst fit first", ranked);
    group("every zone", names.map((_, place) => place));
    select.value = chosen[level] || "";
  };

  const wholes = {};
  const show = (key, zone) => {
    const body = document.getElementById(key + "-rows");
    wholes[key] = wholes[key] || [...body.children];
    const name = zone === "" ? "all zones" : levels[tables[key].level][zone];
    document.getElementById(key + "-where").textContent = name;
    if (zone === "") return body.replaceChildren(...wholes[key]);
    const rows = rowsOf(tables[key], Number(zone));
    const top = Math.max(...rows.map((row) => Math.max(row.aimedShare, row.syntheticShare))) || 1;
    body.replaceChildren();
    if (!rows.length) add(add(body, "tr"), "td", "This table has no such zone.").colSpan = 6;
    rows.forEach((row) => writeRow(body, row, top));
  };

  // Tables of one level follow each other: a zone chosen in one is shown in all.
  const choose = (level, zone) => {
    chosen[level] = zone;
    Object.keys(tables).filter((key) => tables[key].level === level).forEach((key) => {
      const select = document.getElementById(key + "-zone");
      if (filled.has(key)) select.value = zone;
      else select.options[0].textContent = zone === "" ? "all zones" : levels[level][zone];
      show(key, zone);
    });
  };

  const unfold = (key) => { document.getElementById(key + "-cells").open = true; };
  const watcher = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
      fill(entry.target.dataset.table);
      watcher.unobserve(entry.target);
    });
  }, { rootMargin: "300px" });
  Object.keys(tables).forEach((key) => {
    const select = document.getElementById(key + "-zone");
    const chooser = select.closest(".chooser");
    chooser.hidden = false;
    chooser.dataset.table = key;
    watcher.observe(chooser);
    select.addEventListener("focus", () => fill(key));
    select.addEventListener("change", () => {
      unfold(key);
      choose(tables[key].level, select.value);
    });
  });

  // report.html#zone=50007 opens every table of that zone.
  const follow = () => {
    const wanted = decodeURIComponent((/^#zone=(.+)$/.exec(location.hash) || [])[1] || "");
    Object.keys(levels).filter((level) => levels[level].includes(wanted)).forEach((level) => {
      choose(level, String(levels[level].indexOf(wanted)));
      Object.keys(tables).filter((key) => tables[key].level === level).forEach(unfold);
    });
  };
  window.addEventListener("hashchange", follow);
  follow();
})();
