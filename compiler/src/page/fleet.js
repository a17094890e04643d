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
const lines = (reason) => (reason.anotherCpu === null ? [] : [reason.anotherCpu]).concat(reason.refused);
const texts = data.reasons.map((reason) => lines(reason).join("\n").toLowerCase());
const state = { row: 0, column: 0, reason: "", lock: "", host: "" };

function shown() {
  const of_reason = texts.map((text) => text.includes(state.reason));
  const hit = (cell) => state.reason === "" || (cell !== null && of_reason[cell]);
  const locks = [...data.locks.keys()].filter((at) => data.locks[at].lock.toLowerCase().includes(state.lock));
  const named = [...data.hosts.keys()].filter((at) => data.hosts[at].toLowerCase().includes(state.host));
  // A reason leaves the locks and hosts that have it on one another, of those with such names.
  const met = (lock, host) => hit(data.locks[lock].refused[host]);
  const rows = locks.filter((lock) => state.reason === "" || named.some((host) => met(lock, host)));
  const hosts = named.filter((host) => state.reason === "" || rows.some((lock) => met(lock, host)));
  return { rows, hosts, hit };
}

function why(lock, host) {
  const panel = byId("why");
  panel.replaceChildren();
  const cell = lock.refused[host];
  const title = made("h2", cell === null ? "kept: " : "not kept: ", panel);
  made("bdi", lock.lock, title);
  title.append(" on ");
  made("bdi", data.hosts[host], title);
  if (cell === null) return;
  const list = made("ul", undefined, panel);
  for (const line of lines(data.reasons[cell])) made("bdi", line, made("li", undefined, list));
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
  made("th", "lock", head);
  const columns = hosts.slice(left, left + COLUMNS);
  for (const host of columns) {
    const cell = made("th", undefined, head);
    made("bdi", data.hosts[host], cell);
    cell.scope = "col";
    cell.title = data.hosts[host];
  }
  const body = made("tbody", undefined, table);
  rows.slice(top, top + ROWS).forEach((at, down) => {
    const lock = data.locks[at];
    const row = made("tr", undefined, body);
    const count = `${lock.keptBy} of ${data.hosts.length}${lock.kept ? "" : ", too few"}: `;
    const name = made("th", count, row);
    made("bdi", lock.lock, name);
    name.scope = "row";
    name.title = lock.lock;
    if (!lock.kept) name.className = "few";
    columns.forEach((host, across) => {
      const cell = lock.refused[host];
      const button = made("button", cell === null ? "\u2713" : "\u2717", made("td", undefined, row));
      button.type = "button";
      button.className = cell === null ? "kept" : "refused";
      if (!hit(cell)) button.className += " other";
      const verdict = cell === null ? "kept" : "not kept";
      button.setAttribute("aria-label", `${verdict}: ${lock.lock} on ${data.hosts[host]}`);
      const place = [top + down, left + across];
      button.tabIndex = place[0] === state.row && place[1] === state.column ? 0 : -1;
      button.dataset.row = place[0];
      button.dataset.column = place[1];
      button.addEventListener("click", () => {
        [state.row, state.column] = place;
        why(lock, host);
        move(0, 0);
      });
    });
  });
  byId("count").textContent =
    `${rows.length} of ${data.locks.length} locks, ${hosts.length} of ${data.hosts.length} hosts; ` +
    (rows.length > ROWS || hosts.length > COLUMNS
      ? `from lock ${top + 1} and host ${left + 1} on; the arrow keys, Page Up and Page Down go further`
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
for (const id of ["reason", "lock", "host"]) {
  byId(id).addEventListener("input", (event) => {
    state[id] = event.target.value.toLowerCase();
    draw();
  });
}
const all = data.reasons.flatMap((reason) => reason.refused.map((line) => line.split(/[:.\[(]/)[0]));
for (const name of [...new Set(all)].sort().slice(0, 500)) {
  made("option", undefined, byId("registers")).value = name;
}
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("summary").textContent =
  `${data.locks.filter((lock) => lock.kept).length} of ${data.locks.length} locks are kept by at least ` +
  `${data.atLeast} of ${data.hosts.length} hosts.`;
draw();
