// Pages in a real browser: those that `vmlock fleet`, `vmlock drift` and `vmlock-lab matrix` write, and those of the book,
// where it is asked for. Each in a narrow and a wide window, light and dark: nothing is wider than the window, every text stands out from what is behind it as WCAG 2.2 asks for at
// level AA (1.4.3), and nothing is fetched. Grids are used by their keys, with names that would like to be markup.
//
//   node look.mjs VMLOCK BROWSER PICTURES [BOOK]
//
// from the top of the tree, with the paths of the compiler, of Chromium, of a folder for pictures and of the finished
// book's. Each problem is a line of stdout, and the last line says how much was checked.

import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , vmlock, browser, pictures, book] = process.argv;
const problems = [];
let checked = 0;
/** How long one answer of the browser may take. */
const LIMIT = 60_000;
/** Windows, in CSS pixels. */
const WINDOWS = { narrow: [360, 740], wide: [1280, 900] };
const SCHEMES = ["light", "dark"];
/** Of the reference's pages, which are all made alike, one of each sort. */
const ALIKE = ["docs/baselines/kvm-6.8.html", "docs/cpus/neoverse-n1.html", "docs/codes/host-not-writable.html"];

/** The page of the matrix, here and in the book. */
const MATRIX = "docs/matrix-page.html";

/** One thing that has to be so. */
function holds(what, so, found) {
  checked += 1;
  if (!so) problems.push(found === undefined ? what : `${what}: ${JSON.stringify(found).slice(0, 600)}`);
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "vmlock-look-"));
process.on("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));

/** Chromium, spoken to over two pipes: its DevTools protocol, a message ends with a zero byte. */
class Browser {
  constructor() {
    const flags = [
      "--headless",
      "--remote-debugging-pipe",
      "--disable-gpu",
      "--disable-extensions",
      "--hide-scrollbars",
      "--no-first-run",
      `--user-data-dir=${path.join(scratch, "profile")}`,
    ];
    // Its own sandbox is not to be had by root, nor without a program of its own; it opens our own pages alone.
    flags.push("--no-sandbox", "about:blank");
    this.process = spawn(browser, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.waiting = new Map();
    this.heard = [];
    this.last = 0;
    let rest = Buffer.alloc(0);
    this.process.stdio[4].on("data", (more) => {
      rest = Buffer.concat([rest, more]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        this.take(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    this.process.on("exit", (code) => {
      for (const { reject } of this.waiting.values()) reject(new Error(`the browser ended with ${code}`));
    });
    this.process.on("error", (error) => {
      for (const { reject } of this.waiting.values()) reject(error);
    });
  }

  take(message) {
    const waits = this.waiting.get(message.id);
    if (waits) {
      this.waiting.delete(message.id);
      if (message.error) waits.reject(new Error(`${waits.method}: ${message.error.message}`));
      else waits.resolve(message.result);
    } else if (message.method) {
      this.heard.push(message);
      this.wake?.();
    }
  }

  /** Asks; the answer. */
  ask(method, params = {}) {
    const id = ++this.last;
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method}: nothing within ${LIMIT} ms`)), LIMIT);
      const ended = (then) => (value) => {
        clearTimeout(timer);
        then(value);
      };
      this.waiting.set(id, { method, resolve: ended(resolve), reject: ended(reject) });
    });
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    return answer;
  }

  /** Waits for an event. */
  async event(method) {
    const until = Date.now() + LIMIT;
    while (!this.heard.some((message) => message.method === method)) {
      if (Date.now() > until) throw new Error(`no ${method} within ${LIMIT} ms`);
      await new Promise((resolve) => {
        this.wake = resolve;
        setTimeout(resolve, 1000);
      });
    }
  }

  async open() {
    const { targetInfos } = await this.ask("Target.getTargets");
    const { targetId } = targetInfos.find((target) => target.type === "page");
    const { sessionId } = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    this.session = sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await this.ask(`${domain}.enable`);
  }

  /** Opens a page in a window; what was fetched for it from elsewhere, and what it complained of. */
  async go(url, [width, height], scheme) {
    await this.ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    await this.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    // A page is not asked for again where only its place is another one.
    this.heard = [];
    await this.ask("Page.navigate", { url: "about:blank" });
    await this.event("Page.loadEventFired");
    this.heard = [];
    const { errorText } = await this.ask("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await this.event("Page.loadEventFired");
  }

  /** What an expression is worth in the page. */
  async value(expression) {
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Presses a key. */
  async key(key) {
    const text = key === "Enter" ? "\r" : undefined;
    const code = { Tab: 9, Enter: 13, ArrowRight: 39, ArrowDown: 40 }[key];
    await this.ask("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, windowsVirtualKeyCode: code, text });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", key, code: key, windowsVirtualKeyCode: code });
  }

  async picture(file) {
    const { data } = await this.ask("Page.captureScreenshot", { format: "png" });
    fs.writeFileSync(file, Buffer.from(data, "base64"));
  }

  /** What the page asked of anything but this machine's files, did by itself, or was refused. */
  surprises() {
    const found = [];
    for (const { method, params } of this.heard) {
      const url = params.request?.url ?? "";
      if (method === "Network.requestWillBeSent" && !/^(file|data|about|blob):/.test(url)) found.push(`fetches ${url}`);
      if (method === "Network.loadingFailed" && !params.canceled) found.push(`did not get a file: ${params.errorText}`);
      if (method === "Page.javascriptDialogOpening") found.push(`opens a dialog: ${params.message}`);
      if (method === "Runtime.exceptionThrown") found.push(`a script failed: ${params.exceptionDetails.text}`);
      if (method === "Log.entryAdded" && params.entry.level === "error") found.push(params.entry.text);
    }
    return found;
  }
}

/** In the page: what is too wide, and which texts stand out too little. Stands by itself, as its text goes there. */
function look() {
  const width = document.documentElement.clientWidth;
  const name = (element) => {
    const classes = [...element.classList].map((c) => `.${c}`).join("");
    return `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ""}${classes}`;
  };
  const visible = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const above = function* (element) {
    for (let at = element; at; at = at.parentElement) yield at;
  };
  // What can be scrolled by itself, or is cut off, makes the window no wider; what scrolls all of the page is the window.
  const whole = (element) => element.matches("html, body, main") || element.querySelector("main") !== null;
  const scrolls = (element) => getComputedStyle(element).overflowX !== "visible";
  const boxed = (element) => [...above(element.parentElement)].some((at) => !whole(at) && scrolls(at));
  const fixed = (element) => [...above(element)].some((at) => getComputedStyle(at).position === "fixed");
  const wide = [];
  for (const element of document.body.querySelectorAll("*")) {
    if (!visible(element) || boxed(element)) continue;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.right > width + 1 && !fixed(element)) wide.push(`${name(element)} reaches to ${Math.round(box.right)}`);
  }
  for (const element of document.body.querySelectorAll("*")) {
    if (whole(element) && element.scrollWidth > element.clientWidth + 1) wide.push(`${name(element)} holds ${element.scrollWidth}`);
  }
  if (document.documentElement.scrollWidth > width) wide.push(`the page is ${document.documentElement.scrollWidth} wide`);

  // Whatever a colour is written as, the canvas says what it is.
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (text) => {
    if (!known.has(text)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = text;
      pen.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  };
  // What is behind everything is white or black, as the page says that it can be.
  const probe = document.body.appendChild(document.createElement("div"));
  probe.style.backgroundColor = "Canvas";
  const ground = colour(getComputedStyle(probe).backgroundColor);
  probe.remove();
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    const layers = [];
    for (const at of above(element)) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      const layer = colour(style.backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), ground);
  };
  let texts = 0;
  const faint = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "NOSCRIPT", "OPTION"].includes(element.tagName) || !visible(element)) continue;
    // What cannot be used does not count (1.4.3).
    if (element.closest(":disabled, [aria-disabled=true]")) continue;
    const style = getComputedStyle(element);
    const under = behind(element);
    texts += 1;
    if (under === null) {
      faint.set(`${name(element)} stands on a picture`, 0);
      continue;
    }
    const opacity = [...above(element)].reduce((all, at) => all * Number(getComputedStyle(at).opacity), 1);
    const [r, g, b, a] = colour(style.color);
    const [light, dark] = [luminance(over([r, g, b, a * opacity], under)), luminance(under)].sort((x, y) => y - x);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const words = `${name(element)}: ${ratio.toFixed(2)} of ${style.color} on rgb(${under.slice(0, 3).map(Math.round).join(", ")})`;
      faint.set(words, node.data.trim().slice(0, 30));
    }
  }
  return { texts, wide: wide.slice(0, 5), faint: [...faint].slice(0, 8).map(([where, text]) => `${where} (“${text}”)`) };
}

/** Looks at a page in all windows and schemes. */
async function everywhere(chromium, name, url, then) {
  for (const [window, size] of Object.entries(WINDOWS)) {
    for (const scheme of SCHEMES) {
      const where = `${name}, ${window}, ${scheme}`;
      await chromium.go(url, size, scheme);
      const { texts, wide, faint } = await chromium.value(`(${look})()`);
      holds(`${where}: has texts`, texts > 5, texts);
      holds(`${where}: wider than the window`, wide.length === 0, wide);
      holds(`${where}: too little contrast`, faint.length === 0, faint);
      await chromium.picture(path.join(pictures, `${name.replaceAll("/", "-")}-${window}-${scheme}.png`));
      await then?.(where);
      const surprises = chromium.surprises();
      holds(`${where}: needs nothing else`, surprises.length === 0, surprises);
    }
  }
}

/** The pages of the book that are looked at as pages: all but those of the reference's names and the matrix's grid. */
function pages() {
  const all = fs.readdirSync(book).filter((name) => name.endsWith(".html") && name !== "toc.html");
  const docs = fs.readdirSync(path.join(book, "docs")).filter((name) => name.endsWith(".html"));
  const own = docs.map((name) => `docs/${name}`).filter((name) => name !== MATRIX);
  return [...all, ...own, ...ALIKE];
}

/** The page of a fleet whose files have names that would like to be markup. */
function fleet() {
  const names = [
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(2)<",
    "&lt;b&gt;\u202egnp.exe",
    "a name that is long ".repeat(9).trim(),
  ];
  const folder = path.join(scratch, "fleet");
  for (const below of ["locks", "hosts"]) fs.mkdirSync(path.join(folder, below), { recursive: true });
  const hosts = fs.readdirSync("spec/catalogue/hosts").filter((name) => /^(neoverse-n1|cortex-a72)-.*\.json$/.test(name));
  // A file's name has no slash.
  const named = (name) => name.replaceAll("/", "\u2215");
  names.forEach((name, at) => {
    fs.copyFileSync("examples/modern.vm.lock.json", path.join(folder, "locks", `${named(name)}.vm.lock.json`));
    fs.copyFileSync(`spec/catalogue/hosts/${hosts[at]}`, path.join(folder, "hosts", `${named(name)}.json`));
  });
  for (const host of hosts.slice(names.length)) fs.copyFileSync(`spec/catalogue/hosts/${host}`, path.join(folder, "hosts", host));
  const page = written(folder, ["fleet", "locks", "--host", "hosts"]);
  return { page, names: names.map(named), rows: names.length, hosts: hosts.length };
}

/** The page of what a kernel changes on two CPUs, with hosts and a lock of such names. */
function drift() {
  const folder = path.join(scratch, "drift");
  fs.mkdirSync(folder, { recursive: true });
  const lock = '<img src=x onerror="alert(4)">.vm.lock.json';
  const hosts = { "&lt;b&gt;\u202egnp.json": "neoverse-n1-6.12.json", "<script>alert(5)<\u2215script>.json": "cortex-a72-6.12.json" };
  fs.copyFileSync("examples/modern.vm.lock.json", path.join(folder, lock));
  for (const [name, host] of Object.entries(hosts)) {
    fs.copyFileSync(`spec/catalogue/hosts/${host}`, path.join(folder, name));
  }
  const names = Object.keys(hosts);
  const page = written(folder, ["drift", "--from", "kvm-6.1", ...names, "--lock", lock]);
  return { page, names: [lock, ...names], hosts: names.length };
}

/** The page of the matrix, held against the data that it is made of. */
function matrix() {
  const locks = JSON.parse(fs.readFileSync("docs/matrix.json", "utf8"));
  const hosts = new Set(locks.flatMap((lock) => lock.hosts.map((host) => `${host.kernel}, ${host.cpu}`)));
  const names = [...locks.map((lock) => lock.name), ...hosts];
  return { page: path.resolve(MATRIX), names, rows: locks.length, hosts: hosts.size };
}

/** What a command of vmlock writes as a page. */
function written(folder, command) {
  const { stdout, stderr } = spawnSync(vmlock, [...command, "--format", "html"], { cwd: folder });
  const page = path.join(folder, `${command[0]}.html`);
  fs.writeFileSync(page, stdout);
  if (!stdout.includes("<table")) throw new Error(`vmlock ${command[0]} wrote no page: ${stderr}`);
  return page;
}

/** A grid, used by its keys alone; some rows at least, where nobody says how many. */
async function used(chromium, { names, hosts, rows: wanted }, where) {
  const rows = await chromium.value(`document.querySelectorAll("#grid tbody tr").length`);
  const columns = await chromium.value(`document.querySelectorAll("#grid thead th[scope=col]").length`);
  holds(`${where}: every row and host`, (wanted === undefined ? rows > 10 : rows === wanted) && columns === hosts, [rows, columns]);
  const shown = await chromium.value(`document.getElementById("grid").textContent`);
  // A character that turns text around is shown as its number.
  const seen = names.map((name) => name.replace("\u202e", "\\u{202e}"));
  for (const name of seen) holds(`${where}: shows the name as text`, shown.includes(name), name);
  const made = `document.querySelectorAll("img, svg, iframe, b, script:not(#data)").length`;
  holds(`${where}: names make no markup`, (await chromium.value(made)) === 1, await chromium.value(made));

  const focused = (what) => chromium.value(`document.activeElement?.${what} ?? ""`);
  let steps = 0;
  while (!(await focused("dataset.row")) && steps < 20) {
    await chromium.key("Tab");
    steps += 1;
  }
  holds(`${where}: Tab reaches the grid`, (await focused("dataset.row")) === "0", await focused("outerHTML"));
  const ring = await focused("matches(':focus-visible')");
  const outline = await chromium.value(`Number.parseFloat(getComputedStyle(document.activeElement).outlineWidth)`);
  holds(`${where}: the focus can be seen`, ring === true && outline >= 2, [ring, outline]);
  await chromium.key("ArrowRight");
  holds(`${where}: the arrow keys move`, (await focused("dataset.column")) === "1", await focused("outerHTML"));
  const label = await focused("getAttribute('aria-label')");
  await chromium.key("Enter");
  const why = await chromium.value(`document.querySelector("#why h2").textContent`);
  holds(`${where}: Enter opens the cell's reasons`, label !== "" && why === label, [why, label]);
  // A refused one says why.
  const refused = await chromium.value(
    `(() => { const cell = document.querySelector("#grid button.refused"); cell?.click(); return document.querySelectorAll("#why li").length; })()`,
  );
  holds(`${where}: a refused cell has reasons`, refused > 0, refused);
  const { wide, faint } = await chromium.value(`(${look})()`);
  holds(`${where}, opened: wider than the window`, wide.length === 0, wide);
  holds(`${where}, opened: too little contrast`, faint.length === 0, faint);
  await chromium.picture(path.join(pictures, `${where.replaceAll(", ", "-")}-opened.png`));
  // Heads and names stay where they are, and the cell that has the focus is never below them.
  for (const [far, back] of [["End", "ArrowLeft"], ["PageDown", "ArrowUp"]]) {
    await chromium.value(`document.querySelector('#grid button[tabindex="0"]').focus()`);
    await chromium.key(far);
    for (let step = 0; step < 8; step += 1) {
      const covered = await chromium.value(`(${hidden})()`);
      holds(`${where}: ${far}, ${step} times ${back}: the focused cell can be seen`, covered === "", covered);
      await chromium.key(back);
    }
  }
  // The next Tab leaves the grid: it is one stop.
  await chromium.key("Tab");
  holds(`${where}: one more Tab leaves the grid`, !(await focused("dataset.row")), await focused("outerHTML"));
  await called(chromium, where);
  await filtered(chromium, where);
}

/** In the page: what is seen in place of the cell that has the focus, if anything. */
function hidden() {
  const cell = document.activeElement;
  if (!cell?.dataset.row) return `the focus is on ${cell?.tagName}`;
  const { left, top, right, bottom } = cell.getBoundingClientRect();
  for (const [x, y] of [[left + 3, top + 3], [right - 3, bottom - 3]]) {
    const seen = document.elementFromPoint(x, y);
    if (seen !== cell) return `at ${Math.round(x)}, ${Math.round(y)}: ${seen?.tagName} ${seen?.textContent.slice(0, 30)}`;
  }
  return "";
}

/** What is typed as a lock's or a host's name leaves those that have it. */
async function called(chromium, where) {
  for (const [field, heads] of [["name", "#grid tbody th bdi"], ["host", "#grid thead th[scope=col] bdi"]]) {
    const all = `[...document.querySelectorAll(${JSON.stringify(heads)})].map((head) => head.textContent)`;
    const before = await chromium.value(all);
    const wanted = before.at(-1);
    await chromium.value(`document.getElementById("${field}").focus()`);
    await chromium.ask("Input.insertText", { text: wanted.toUpperCase() });
    const after = await chromium.value(all);
    const those = before.filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
    holds(`${where}: a ${field} leaves those that have it`, those.length > 0 && after.join("\n") === those.join("\n"), [wanted, after]);
    await chromium.value(`(() => { const field = document.getElementById("${field}"); field.value = ""; field.dispatchEvent(new Event("input")); })()`);
    holds(`${where}: without it all are there again`, (await chromium.value(all)).length === before.length, field);
  }
}

/** A reason that is typed leaves the rows and hosts that have it, and one that nobody has leaves none. */
async function filtered(chromium, where) {
  const last = `document.querySelector("#why li:last-child").textContent`;
  const reason = (await chromium.value(last)).split(":")[0];
  await chromium.value(`document.getElementById("reason").focus()`);
  await chromium.ask("Input.insertText", { text: reason });
  const left = await chromium.value(`(() => {
    const rows = [...document.querySelectorAll("#grid tbody tr")].map((row) => [...row.querySelectorAll("button")]);
    const hit = (cell) => !cell.classList.contains("other");
    const hosts = (rows[0] ?? []).map((_, at) => rows.map((row) => row[at]));
    const opened = rows.flat().find(hit);
    opened?.click();
    const has = document.getElementById("why").textContent.toLowerCase().includes(${JSON.stringify(reason.toLowerCase())});
    return { rows: rows.length, all: [...rows, ...hosts].every((line) => line.some(hit)), has };
  })()`);
  holds(`${where}: a reason leaves those that have it`, left.rows > 0 && left.all && left.has, [reason, left]);
  const { wide, faint } = await chromium.value(`(${look})()`);
  holds(`${where}, a reason typed: wider than the window`, wide.length === 0, wide);
  holds(`${where}, a reason typed: too little contrast`, faint.length === 0, faint);
  await chromium.value(`document.getElementById("reason").focus()`);
  await chromium.ask("Input.insertText", { text: " and nobody has that" });
  const none = await chromium.value(`document.querySelectorAll("#grid tbody tr").length`);
  holds(`${where}: a reason that nobody has leaves nothing`, none === 0, none);
}

/** A page that is wrong in each way, so that a look that sees nothing is not taken for a good page. */
async function mistakes(chromium) {
  const page = path.join(scratch, "wrong.html");
  fs.writeFileSync(
    page,
    `<!DOCTYPE html><meta charset="utf-8"><body style="background:#fff"><p id="faint" style="color:#999">a</p><p style="color:#000">b</p>
<p id="veil" style="opacity:.3">c</p><div id="wide" style="width:2000px">d</div><p>e</p><p>f</p><div style="overflow:auto"><div style="width:3000px">g</div></div>
<div style="overflow:auto"><main><div id="inner" style="width:1500px">h</div></main></div>
<img src="https://example.invalid/x.png"><script>alert(3); missing()</script>`,
  );
  const dialog = setInterval(() => chromium.ask("Page.handleJavaScriptDialog", { accept: true }).catch(() => {}), 200);
  await chromium.go(pathToFileURL(page).toString(), WINDOWS.wide, "light");
  clearInterval(dialog);
  const { texts, wide, faint } = await chromium.value(`(${look})()`);
  const surprises = chromium.surprises().join("\n");
  holds("what is wrong: texts are counted", texts === 8, texts);
  holds("what is wrong: what is wide is found", ["div#wide reaches to", "div#inner reaches to", "div holds 1500", "the page is 2"].every((words) => wide.some((line) => line.startsWith(words))), wide);
  holds("what is wrong: what is faint is found", faint.length === 2 && faint[0].includes("#faint") && faint[1].includes("#veil"), faint);
  for (const word of ["fetches https://example.invalid", "opens a dialog: 3", "a script failed"]) {
    holds("what is wrong: what a page does is seen", surprises.includes(word), [word, surprises]);
  }
}

fs.mkdirSync(pictures, { recursive: true });
const chromium = new Browser();
try {
  await chromium.open();
  await mistakes(chromium);
  for (const [name, made] of Object.entries({ fleet: fleet(), drift: drift(), matrix: matrix() })) {
    await everywhere(chromium, name, pathToFileURL(made.page).toString(), (where) => used(chromium, made, where));
  }
  if (book) {
    // A book that changed a letter of it would have a script that its own policy refuses.
    const [own, other] = [MATRIX, path.join(book, MATRIX)].map((file) => fs.readFileSync(file));
    holds("the book has the page of the matrix as it is", own.equals(other));
    for (const page of pages()) await everywhere(chromium, page, pathToFileURL(path.join(book, page)).toString());
  }
} catch (error) {
  problems.push(`it did not come to its end: ${error.message}`);
}
chromium.process.kill();
for (const problem of problems) console.log(problem);
console.log(`${checked} checked, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
