// The schemas in the engines that editors and CI use: good files have no complaint, each seeded mistake is found where
// it is, names are offered, and what is pointed at is explained.
//
//   node check.mjs VMLOCK CHECK_JSONSCHEMA
//
// from the top of the tree, with the path of the compiler and of Python's check-jsonschema. Each problem is a line of
// stdout, and the last line says how much was checked; nothing is fetched.

import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import Ajv from "ajv";
import service from "vscode-json-languageservice";

const [, , vmlock, checkJsonschema] = process.argv;
const { ClientCapabilities, getLanguageService, TextDocument } = service;
const read = (file) => fs.readFileSync(file, "utf8");
const parsed = (file) => JSON.parse(read(file));
const problems = [];
let checked = 0;

/** One thing that has to be so. */
function holds(what, so, found) {
  checked += 1;
  if (!so) problems.push(found === undefined ? what : `${what}: ${JSON.stringify(found).slice(0, 600)}`);
}

// ---- What is checked

const seeds = parsed("compiler/tests/schema/mistakes.json");
const schemaOf = {
  spec: "schema/spec.v1.schema.json",
  "lock-v1": "schema/lock.v1.schema.json",
  "lock-v2": "schema/lock.v2.schema.json",
  "lock-v3": "schema/lock.v3.schema.json",
};
const bases = Object.fromEntries(
  Object.keys(schemaOf).map((name) => [name, typeof seeds[name] === "string" ? parsed(seeds[name]) : seeds[name]]),
);
const lockFiles = ["examples", "lab/tests/specs", "spec/tests/frozen/v1", "spec/tests/frozen/v2", "spec/tests/frozen/v3"].flatMap(
  (folder) => fs.readdirSync(folder).filter((f) => f.endsWith(".vm.lock.json")).map((f) => `${folder}/${f}`),
);
const goodFiles = [
  ...lockFiles.map((file) => [file, `schema/lock.v${parsed(file).lockVersion}.schema.json`]),
  ...fs.readdirSync("spec/catalogue/hosts").filter((f) => f.endsWith(".json")).map((f) => [`spec/catalogue/hosts/${f}`, "schema/host-report.v1.schema.json"]),
];

const steps = (pointer) => pointer.split("/").slice(1).map((s) => s.replaceAll("~1", "/").replaceAll("~0", "~"));

/** A document with a mistake. */
function mistaken(mistake) {
  const document = structuredClone(bases[mistake.in]);
  const at = (pointer) => {
    const keys = steps(pointer);
    let inner = document;
    for (const key of keys.slice(0, -1)) inner = inner[key] ??= /^\d+$/.test(keys.at(-1)) ? [] : {};
    return [inner, keys.at(-1)];
  };
  for (const [pointer, value] of Object.entries(mistake.put ?? {})) {
    const [inner, key] = at(pointer);
    inner[key] = value;
  }
  for (const pointer of mistake.remove ?? []) {
    const [inner, key] = at(pointer);
    delete inner[key];
  }
  return document;
}

/** Whether complaints point at a place: all of them, and there is one. `places` are JSON pointers. */
function points(places, at) {
  return places.length > 0 && places.every((place) => place === at);
}

// ---- ajv, strict

const compiled = {};
for (const file of fs.readdirSync("schema")) {
  try {
    const validate = new Ajv({ strict: true, allErrors: true }).compile(parsed(`schema/${file}`));
    compiled[`schema/${file}`] = validate;
    holds(`ajv: ${file} is described`, true);
  } catch (error) {
    holds(`ajv --strict refuses ${file}: ${error.message}`, false);
  }
}

/** Where ajv complains. A choice complains at its place of each alternative, and of itself. */
function ajvPlaces(schema, document) {
  const validate = compiled[schema];
  if (validate(document)) return [];
  // An `if` complains of its branch, which complains itself.
  return validate.errors
    .filter((e) => e.keyword !== "if")
    .map((e) => (e.keyword === "additionalProperties" ? `${e.instancePath}/${e.params.additionalProperty}` : e.instancePath));
}

// ---- The service behind VS Code's JSON, and behind vscode-json-language-server

const fetched = [];
/** A service that may read files and nothing else. */
function languageService(schemas) {
  const fromFile = (uri) =>
    uri.startsWith("file://")
      ? fs.promises.readFile(fileURLToPath(uri), "utf8")
      : (fetched.push(uri), Promise.reject(`not reached: ${uri}`));
  const resolve = (relative, base) => new URL(relative, base).toString();
  const ls = getLanguageService({
    clientCapabilities: ClientCapabilities.LATEST,
    schemaRequestService: fromFile, workspaceContext: { resolveRelativePath: resolve },
  });
  ls.configure({ validate: true, schemas });
  return ls;
}

async function opened(ls, uri, text) {
  const document = TextDocument.create(uri, "json", 1, text);
  const json = ls.parseJSONDocument(document);
  const found = await ls.doValidation(document, json, { schemaValidation: "error", schemaRequest: "error" });
  return { document, json, found };
}

/** The ranges by which a place may be shown: its value, its key, or where the object begins that lacks something. */
function ranges({ document, json }, pointer) {
  const keys = steps(pointer).map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  let node = json.root;
  for (const key of keys) {
    node =
      node.type === "array"
        ? node.items[key]
        : node.properties.find((property) => property.keyNode.value === String(key))?.valueNode;
  }
  const shown = [node, node.parent?.type === "property" ? node.parent.keyNode : undefined].filter(Boolean);
  const all = shown.map((n) => [n.offset, n.offset + n.length]);
  all.push([node.offset, node.offset + 1]);
  return all.map(([from, to]) => `${document.offsetAt(document.positionAt(from))}-${to}`);
}

function vscodeFinds(open, at) {
  const { document, found } = open;
  const right = ranges(open, at);
  const shown = found.map((f) => `${document.offsetAt(f.range.start)}-${document.offsetAt(f.range.end)}`);
  return shown.length > 0 && shown.every((range) => right.includes(range));
}

const byFile = languageService([]);
const root = pathToFileURL(process.cwd()).toString();

for (const [file, schema] of goodFiles) {
  holds(`ajv on ${file}`, ajvPlaces(schema, parsed(file)).length === 0, compiled[schema].errors);
}
// Locks that say themselves where their schema is; frozen ones are copies from elsewhere.
const placed = lockFiles.filter((file) => fs.existsSync(path.join(path.dirname(file), parsed(file).$schema)));
holds("locks that name the place of their schema", placed.length > 20, placed.length);
for (const file of placed) {
  const { found } = await opened(byFile, `${root}/${file}`, read(file));
  holds(`VS Code on ${file}`, found.length === 0, found);
}

// ---- Mistakes, in each engine

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "vmlock-editors-"));
try {
  for (const [name, schema] of Object.entries(schemaOf)) {
    const files = [];
    const own = seeds.mistakes.filter((mistake) => mistake.in === name);
    holds(`mistakes in ${name}`, own.length > 0);
    const ls = languageService([
      { uri: "file:///the-schema", fileMatch: ["*.json"], schema: parsed(schema) },
    ]);
    own.forEach((mistake, index) => {
      const document = mistaken(mistake);
      delete document.$schema;
      if (name !== "spec") document.$schema = "file:///the-schema";
      const file = path.join(scratch, `${name}-${index}.json`);
      fs.writeFileSync(file, JSON.stringify(document, null, 2));
      files.push(file);
      holds(`ajv: ${mistake.what}`, points(ajvPlaces(schema, document), mistake.at), compiled[schema].errors);
    });
    for (const [index, mistake] of own.entries()) {
      const open = await opened(ls, `file://${files[index]}`, read(files[index]));
      holds(`VS Code: ${mistake.what}`, vscodeFinds(open, mistake.at), open.found);
    }
    const said = spawnSync(checkJsonschema, ["-o", "json", "--schemafile", schema, ...files], { encoding: "utf8" });
    const report = JSON.parse(said.stdout);
    own.forEach((mistake, index) => {
      const errors = report.errors.filter((error) => error.filename === files[index]);
      const places = errors.map((error) => pointerOf(error, mistake.at));
      holds(`check-jsonschema: ${mistake.what}`, points(places, mistake.at), errors);
    });
  }
  const groups = Object.groupBy?.(goodFiles, ([, schema]) => schema) ?? grouped(goodFiles);
  for (const [schema, files] of Object.entries(groups)) {
    const said = spawnSync(checkJsonschema, ["--schemafile", schema, ...files.map(([file]) => file)], { encoding: "utf8" });
    holds(`check-jsonschema on files of ${schema}`, said.status === 0, said.stdout + said.stderr);
  }
  await afterSetup();
} finally {
  fs.rmSync(scratch, { recursive: true, force: true });
}

function grouped(pairs) {
  const groups = {};
  for (const pair of pairs) (groups[pair[1]] ??= []).push(pair);
  return groups;
}

/** `$.cpu.set[0]` as a pointer. An unknown key is told of at its object. */
function pointerOf(error, at) {
  const keys = [...error.path.matchAll(/\.([^.[\]']+)|\[(\d+)\]|\['([^']*)'\]|\.'([^']*)'/g)];
  const place = keys.map((match) => `/${match.slice(1).find((part) => part !== undefined)}`).join("");
  const key = at.slice(at.lastIndexOf("/") + 1);
  const unknown = error.message.startsWith("Additional properties") && error.message.includes(`'${key}'`);
  return unknown ? `${place}/${key}` : place;
}

// ---- A new user's files after `vmlock editor-setup`, with nothing to be reached

async function afterSetup() {
  const run = (...words) =>
    execFileSync(vmlock, words, { cwd: scratch, encoding: "utf8", env: { ...process.env, XDG_DATA_HOME: path.join(scratch, "data of mine") } });
  fs.writeFileSync(path.join(scratch, "web.vm.kdl"), 'vm "web" {\n    arch "arm64"\n    abi "kvm-6.8"\n    cpu "neoverse-n1" count=2\n    memory "512MiB"\n}\n');
  run("lock", "web.vm.kdl");
  const lock = read(path.join(scratch, "web.vm.lock.json"));
  const version = JSON.parse(lock).lockVersion;
  holds("a new lock names no branch", JSON.parse(lock).$schema === `urn:vmlock:schema:lock:v${version}`, lock.slice(0, 100));
  run("editor-setup", "vscode");
  const settings = parsed(path.join(scratch, ".vscode/settings.json"))["json.schemas"];
  const home = pathToFileURL(scratch).toString();
  // As VS Code's client does: relative to the folder of the settings.
  const vscode = settings.map((s) => ({ uri: s.url.startsWith("./") ? `${home}/${s.url.slice(2)}` : s.url, fileMatch: s.fileMatch, schema: s.schema }));
  const zed = JSON.parse(run("editor-setup", "zed")).lsp["json-language-server"].settings.json.schemas;
  const others = zed.map((s) => ({ uri: s.url, fileMatch: s.fileMatch, schema: s.schema }));
  // Helix is told the same as Zed, in TOML.
  const toml = path.join(scratch, "languages.toml");
  fs.writeFileSync(toml, run("editor-setup", "helix"));
  const python = path.join(path.dirname(checkJsonschema), "python3");
  const script = "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))))";
  const helix = JSON.parse(execFileSync(python, ["-c", script, toml], { encoding: "utf8" }));
  const inHelix = helix["language-server"]["vscode-json-language-server"].config.json.schemas;
  const order = (list) => JSON.stringify(list.map((s) => [s.url, s.fileMatch, s.schema]));
  holds("Helix is told what Zed is", order(inHelix) === order(zed), inHelix);
  for (const [editor, schemas] of [["vscode", vscode], ["zed", others]]) {
    const ls = languageService(schemas);
    const former = `https://raw.githubusercontent.com/vmlock/vmlock/main/schema/lock.v${version}.schema.json`;
    for (const name of [JSON.parse(lock).$schema, former]) {
      const text = lock.replace(JSON.parse(lock).$schema, name);
      const good = await opened(ls, `${home}/web.vm.lock.json`, text);
      holds(`${editor}: a new user's lock, ${name}`, good.found.length === 0, good.found);
      const bad = await opened(ls, `${home}/web.vm.lock.json`, text.replace('"MIDR_EL1"', '"MIDR_EL9"'));
      holds(`${editor}: a mistake in a new user's lock, ${name}`, bad.found.length === 1, bad.found);
    }
    const spec = JSON.stringify(seeds.spec, null, 2);
    const open = await opened(ls, `${home}/web.vm.json`, spec);
    holds(`${editor}: a new user's description`, open.found.length === 0, open.found);
    const bad = await opened(ls, `${home}/web.vm.json`, spec.replace("neoverse-n1", "neoverse-n9"));
    holds(`${editor}: a mistake in a new user's description`, bad.found.length === 1, bad.found);
    await offers(editor, ls, home, lock);
  }
  holds("nothing was fetched", fetched.length === 0, fetched);
}

/** What is offered and explained. */
async function offers(editor, ls, home, lock) {
  const text = (completion) => completion?.documentation?.value ?? completion?.documentation ?? "";
  // The caret is at `|`; what is offered there, with the words beside it.
  for (const [source, label, words] of [
    ['{ "abi": ["|"] }', "kvm-6.8", "Mainline Linux 6.8"],
    ['{ "abi": ["kvm-6.8", "|"] }', "psci-1.1", "part"],
    ['{ "cpu": { "model": "|" } }', "neoverse-n1", "N1"],
    ['{ "cpu": { "features": ["|"] } }', "sve", "vectors"],
    ['{ "cpu": { "hide": ["|"] } }', "crc32", "ID_AA64ISAR0_EL1.CRC32"],
    ['{ "cpu": { "set": [{ "field": "|" }] } }', "ID_AA64ISAR0_EL1.RNDR", "63:60"],
    ['{ "cpu": { "pmu": { "version": "|" } } }', "3.1", "PMUVer"],
    ['{ "vary": ["|"] }', "PMCR_EL0.IMP", "Performance Monitors Control"],
    ['{ "runs-on": ["|"] }', "kvm-6.12", "neoverse-n1"],
    ['{ "allow": [{ "code": "|" }] }', "spec::withholds-mitigation", "guest"],
    ['{ "cpu": { "|" } }', "model", "CPU model"],
    ['{ "|" }', "memory", "bytes"],
  ]) {
    const caret = source.indexOf("|");
    const { document, json } = await opened(ls, `${home}/new.vm.json`, source.replace("|", ""));
    const { items } = await ls.doComplete(document, document.positionAt(caret), json);
    const one = items.find((item) => item.label.replaceAll('"', "") === label);
    holds(`${editor} offers ${label} in ${source}`, one && text(one).includes(words), one ?? items.length);
  }
  const empty = await opened(ls, `${home}/new.vm.json`, "");
  const { items } = await ls.doComplete(empty.document, empty.document.positionAt(0), empty.json);
  holds(`${editor} offers a whole description`, items.some((item) => item.insertText.includes('"kvm-6.8"')));
  const { document, json } = await opened(ls, `${home}/web.vm.lock.json`, lock);
  for (const [what, words] of [
    ['"MIDR_EL1"', ["Main ID Register", "identification of the CPU"]],
    ['"ID_AA64ISAR0_EL1"', ["Instruction Set Attribute Register 0", "feature identification"]],
    ['"kvm-6.8"', ["Mainline Linux 6", "whole baseline"]],
  ]) {
    const hover = await ls.doHover(document, document.positionAt(lock.indexOf(what) + 2), json);
    const said = JSON.stringify(hover?.contents ?? "").replaceAll("\\\\", "");
    holds(`${editor} explains ${what}`, words.every((part) => said.includes(part)), said);
  }
}

for (const problem of problems) console.log(problem);
console.log(`${checked} checked, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
