// What `vmlock --format sarif` prints in Microsoft's validator of SARIF: the document of every case of the compiler's tests,
// and of kinds of runs that these have not, has no error and no warning there.
//
//   node sarif.mjs VMLOCK MULTITOOL FOLDER
//
// from the top of the tree, with the paths of the compiler, of the validator and of an empty folder. Each problem is a line
// of stdout, and the last line says how much was checked; nothing is fetched.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , vmlock, multitool, folder] = process.argv;
const CASES = "compiler/tests/ui";
const problems = [];
let checked = 0;

// ---- Documents: of each what makes it, its folder and its arguments

const runs = [];
for (const name of fs.readdirSync(CASES)) {
  const command = path.join(CASES, name, "command.txt");
  const words = fs.existsSync(command) ? fs.readFileSync(command, "utf8") : "lock in.vm.kdl";
  // A few are about other formats.
  if (words.includes("--format")) continue;
  const place = path.join(folder, "cases", name);
  fs.cpSync(path.join(CASES, name), place, { recursive: true });
  runs.push([name, place, words.trim().split(/\s+/)]);
}

const other = path.join(folder, "other runs, ä");
const spec = fs.readFileSync("examples/modern.vm.kdl", "utf8");
const lock = fs.readFileSync("examples/modern.vm.lock.json", "utf8");
for (const [name, text] of [
  ["good.vm.kdl", spec],
  ["good.vm.lock.json", lock],
  ["old.vm.lock.json", lock],
  ["new.vm.kdl", spec],
  ["stale.vm.kdl", spec.replace(/vm "[^"]*"/, 'vm "another"')],
  ["stale.vm.lock.json", lock],
  ["broken.vm.lock.json", "{"],
  ["empty.vm.kdl", ""],
  ["unformed.vm.kdl", spec.replace(/\n +/, "\n\t")],
  ["text.json", '{ "a": 1 }'],
  ["wrong ä.vm.kdl", 'vm "ä\u{1f980}" {\n    arch "arm64"\n    cpus 2\n}\n'],
]) {
  fs.mkdirSync(other, { recursive: true });
  fs.writeFileSync(path.join(other, name), text);
}
for (const words of [
  ["lock", "--check", "good.vm.kdl"],
  ["lock", "--check", "new.vm.kdl"],
  ["lock", "--check", "stale.vm.kdl"],
  ["lock", "--check", "missing.vm.kdl"],
  ["lock", "--dry-run", "wrong ä.vm.kdl"],
  ["lock", "--dry-run", path.resolve(other, "wrong ä.vm.kdl")],
  ["lock", "--dry-run", "empty.vm.kdl"],
  ["lock", "--dry-run", "."],
  ["lock", "a.kdl"],
  ["check", "good.vm.lock.json", "--host", "missing.json"],
  ["check", "good.vm.lock.json", "--host", "text.json"],
  ["check", "broken.vm.lock.json", "--host", "text.json"],
  ["fmt", "--check", "unformed.vm.kdl"],
  ["convert", "a.kdl"],
  ["explain", "nothing-of-that-name"],
  ["explain", "text.json"],
  ["import", "text.json"],
  ["chek"],
  ["convert"],
]) {
  runs.push([words.join(" "), other, words]);
}

const documents = path.join(folder, "documents");
fs.mkdirSync(documents);
const codes = new Set();
const by = new Map();
runs.forEach(([what, place, words], number) => {
  const { stdout, stderr, status } = spawnSync(vmlock, ["--format=sarif", ...words], { cwd: place, encoding: "utf8" });
  const file = path.join(documents, `${number}.sarif`);
  try {
    JSON.parse(stdout).runs[0].results.forEach((result) => codes.add(result.ruleId));
  } catch {
    problems.push(`${what}: no document, and the run ended with ${status}: ${stderr}`);
    return;
  }
  // Behind a file that is none the validator passes over others.
  by.set(pathToFileURL(file).href, what);
  fs.writeFileSync(file, stdout);
});
for (const code of ["lock::missing", "lock::stale", "lock::orphan", "io::unreadable", "usage::name", "usage::arguments"]) {
  if (!codes.has(code)) problems.push(`no document has ${code}`);
}

// Three among them that the validator has to complain about: a result without a region.
const seed = JSON.parse(spawnSync(vmlock, ["--format=sarif", "lock", "missing.vm.kdl"], { cwd: other, encoding: "utf8" }).stdout);
delete seed.runs[0].results[0].locations[0].physicalLocation.region;
const seeds = new Map(["0-seed", "5-seed", "seed"].map((name) => [path.join(documents, `${name}.sarif`), false]));
for (const file of seeds.keys()) fs.writeFileSync(file, JSON.stringify(seed));

// ---- The validator: one run for all

const log = path.join(folder, "log.json");
const ran = spawnSync(multitool, ["validate", path.join(documents, "*.sarif"), "--output", log, "--quiet"], {
  cwd: folder,
  encoding: "utf8",
  // It is one file of .NET, which needs no words of any country, and unpacks what it needs.
  env: { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1", DOTNET_BUNDLE_EXTRACT_BASE_DIR: folder },
});
let found = [];
try {
  const [run] = JSON.parse(fs.readFileSync(log, "utf8")).runs;
  found = run.results ?? [];
  for (const { toolExecutionNotifications: told = [] } of run.invocations ?? []) {
    for (const { message, level } of told) if (level === "error") problems.push(`the validator: ${message.text}`);
  }
  checked = by.size;
} catch (error) {
  problems.push(`the validator did not come to its end: ${error}: ${ran.stdout}${ran.stderr}`);
}
const places = new Map([...seeds.keys()].map((file) => [pathToFileURL(file).href, file]));
for (const { ruleId, level = "warning", message, locations } of found) {
  const uri = locations?.[0]?.physicalLocation?.artifactLocation?.uri ?? "";
  if (places.has(uri) && ruleId === "SARIF2017") {
    seeds.set(places.get(uri), true);
  } else if (level !== "note") {
    const what = by.get(uri) ?? uri;
    problems.push(`${what}: ${level} ${ruleId}: ${message.text ?? (message.arguments ?? []).join(" ")}`);
  }
}
for (const [file, complained] of seeds) {
  if (!complained) problems.push(`the validator does not complain about a result without a region in ${path.basename(file)}`);
}

for (const problem of problems) console.log(problem.replaceAll(/\s+/g, " "));
console.log(`${checked} checked, ${codes.size} codes, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
