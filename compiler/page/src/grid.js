"use strict";
// Everything that is shown of the data is shown as text: nothing of it is ever read as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const ROWS = 50;
const COLUMNS = 100;
const byId = (id) => document.getElementById(id);
const made = (name, text, parent) => {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
};
const texts = data.cells.map((cell) => cell.lines.join("\n").toLowerCase());
const kind = (cell) => data.kinds[data.cells[cell].kind];
const state = { row: 0, column: 0, reason: "", name: "", host: "" };

function shown() {
  const of_reason = texts.map((text) => text.includes(state.reason));
  const hit = (cell) => state.reason === "" || of_reason[cell];
  const called = [...data.rows.keys()].filter((at) => data.rows[at].name.toLowerCase().includes(state.name));
  const named = [...data.hosts.keys()].filter((at) => data.hosts[at].toLowerCase().includes(state.host));
  // A reason leaves the rows and hosts that have it on one another, of those with such names.
  const met = (row, host) => hit(data.rows[row].cells[host]);
  const rows = called.filter((row) => state.reason === "" || named.some((host) => met(row, host)));
  const hosts = named.filter((host) => state.reason === "" || rows.some((row) => met(row, host)));
  return { rows, hosts, hit };
}

function why(row, host) {
  const panel = byId("why");
  panel.replaceChildren();
  const cell = row.cells[host];
  const title = made("h2", `${kind(cell).words}: `, panel);
  made("bdi", row.name, title);
  title.append(" on ");
  made("bdi", data.hosts[host], title);
  if (data.cells[cell].lines.length === 0) return;
  const list = made("ul", undefined, panel);
  for (const line of data.cells[cell].lines) made("bdi", line, made("li", undefined, list));
}

function draw() {
  const { rows, hosts, hit } = shown();
  state.row = Math.max(0, Math.min(state.row, rows.length - 1));
  state.column = Math.max(0, Math.min(state.column, hosts.length - 1));
  const top = state.row - (state.row % ROWS);
  const left = state.column - (state.column % COLUMNS);
  const table = byId("grid");
  table.replaceChildren();
  const head = made("tr", undefined, made("thead", undefined, table));
  made("th", data.row, head);
  const columns = hosts.slice(left, left + COLUMNS);
  for (const host of columns) {
    const cell = made("th", undefined, head);
    made("bdi", data.hosts[host], cell);
    cell.scope = "col";
    cell.title = data.hosts[host];
  }
  const body = made("tbody", undefined, table);
  rows.slice(top, top + ROWS).forEach((at, down) => {
    const row = data.rows[at];
    const line = made("tr", undefined, body);
    const head = made("th", row.note, line);
    made("bdi", row.name, head);
    head.scope = "row";
    head.title = row.name;
    if (row.marked) head.className = "few";
    columns.forEach((host, across) => {
      const cell = row.cells[host];
      const verdict = kind(cell).words;
      const button = made("button", kind(cell).sign, made("td", undefined, line));
      button.type = "button";
      button.className = kind(cell).shape;
      if (!hit(cell)) button.className += " other";
      button.setAttribute("aria-label", `${verdict}: ${row.name} on ${data.hosts[host]}`);
      const place = [top + down, left + across];
      button.tabIndex = place[0] === state.row && place[1] === state.column ? 0 : -1;
      button.dataset.row = place[0];
      button.dataset.column = place[1];
      button.addEventListener("click", () => {
        [state.row, state.column] = place;
        why(row, host);
        move(0, 0);
      });
    });
  });
  byId("count").textContent =
    `${rows.length} of ${data.rows.length} rows, ${hosts.length} of ${data.hosts.length} hosts; ` +
    (rows.length > ROWS || hosts.length > COLUMNS
      ? `from row ${top + 1} and host ${left + 1} on; the arrow keys, Page Up and Page Down go further`
      : "all of them here");
}

function move(down, across) {
  const { rows, hosts } = shown();
  const inside = (value, count) => Math.max(0, Math.min(value, count - 1));
  state.row = inside(state.row + down, rows.length);
  state.column = inside(state.column + across, hosts.length);
  draw();
  const found = `button[data-row="${state.row}"][data-column="${state.column}"]`;
  const button = byId("grid").querySelector(found);
  if (button) button.focus();
}

const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-ROWS, 0],
  PageDown: [ROWS, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
};
byId("grid").addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(step[0], step[1]);
});
for (const id of ["reason", "name", "host"]) {
  byId(id).addEventListener("input", (event) => {
    state[id] = event.target.value.toLowerCase();
    draw();
  });
}
// What a line is about stands before its first sign; sentences are no names.
const all = data.cells.flatMap((cell) => cell.lines.map((line) => line.split(/[:.\[(]/)[0]));
for (const name of [...new Set(all)].filter((name) => !name.includes(" ")).sort().slice(0, 500)) {
  made("option", undefined, byId("registers")).value = name;
}
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("summary").textContent = data.summary;
draw();
