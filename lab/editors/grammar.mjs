// The grammar of descriptions by the tokenizer of VS Code: every example and every file of the catalogue's language that
// the tests have is read by it, and each word, string, number and comment has to be what it is.
//
//   node grammar.mjs
//
// from the top of the tree; the tokenizer lies beside this script. Each problem is a line of stdout, and the last line says
// how much was checked.

import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const { INITIAL, Registry, parseRawGrammar } = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const EXTENSION = "compiler/editors/vscode";
const problems = [];
let checked = 0;

/** One thing that has to be so. */
function holds(what, so, found) {
  checked += 1;
  if (!so) problems.push(found === undefined ? what : `${what}: ${JSON.stringify(found).slice(0, 600)}`);
}

const manifest = JSON.parse(fs.readFileSync(path.join(EXTENSION, "package.json"), "utf8"));
const [{ scopeName, path: file }] = manifest.contributes.grammars;
await oniguruma.loadWASM(fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm")).buffer);
const registry = new Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async (name) => {
    const place = path.join(EXTENSION, file);
    return name === scopeName ? parseRawGrammar(fs.readFileSync(place, "utf8"), place) : null;
  },
});
const grammar = await registry.loadGrammar(scopeName);

/** The tokens of a text: of each its line from 0, its words, and its innermost scope without the language's name. */
function tokens(text) {
  const all = [];
  let stack = INITIAL;
  text.split("\n").forEach((line, at) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    for (const { startIndex, endIndex, scopes } of tokens) {
      const words = line.slice(startIndex, endIndex).trim();
      const scope = scopes.length === 1 ? "" : scopes[scopes.length - 1].replace(/\.vmlock$/, "");
      if (words) all.push({ at, words, scope });
    }
  });
  return all;
}

/** What the parts of a text are, each a line: `words scope`, nothing of what has no scope. */
function told(text) {
  const parts = [];
  for (const { words, scope } of tokens(text)) {
    const last = parts[parts.length - 1];
    if (last && last.scope === scope && scope.startsWith("string")) last.words += words;
    else parts.push({ words, scope });
  }
  return parts.filter(({ scope }) => scope !== "").map(({ words, scope }) => `${words} ${scope}`);
}

/** What a text has to be. */
function is(text, ...wanted) {
  const found = told(text);
  holds(text, JSON.stringify(found) === JSON.stringify(wanted), found);
}

const [NODE, WHOLE, TEXT, NUMBER, NAME, BLOCK] = [
  "keyword.other",
  "storage.type",
  "string.quoted.double",
  "constant.numeric",
  "entity.other.attribute-name",
  "punctuation.section.block",
];
is('vm "a" {', `vm ${WHOLE}`, `"a" ${TEXT}`, `{ ${BLOCK}`);
is('    cpu "neoverse-n1" count=2 { pmu; }', `cpu ${NODE}`, `"neoverse-n1" ${TEXT}`, `count ${NAME}`, `2 ${NUMBER}`, `{ ${BLOCK}`, `pmu ${NODE}`, `} ${BLOCK}`);
is("    hide crc32 // why", `hide ${NODE}`, "// why comment.line.double-slash");
is("    /- hide crc32", "/- hide comment.block.slashdash");
is("a /* b /* c */ d */ 1", "/* comment.block", "b comment.block", "/* comment.block", "c comment.block", "*/ comment.block", "d comment.block", "*/ comment.block", `1 ${NUMBER}`);
is('disk "d" read-only=#true size="8GiB"', `disk ${NODE}`, `"d" ${TEXT}`, `read-only ${NAME}`, "#true constant.language", `size ${NAME}`, `"8GiB" ${TEXT}`);
is("allow 0x1F 0b1_0 0o17 -3 1.5e3", `allow ${NODE}`, ...["0x1F", "0b1_0", "0o17", "-3", "1.5e3"].map((n) => `${n} ${NUMBER}`));
is(String.raw`description "a \" b \u{1F600} \q c"`, `description ${NODE}`, `"a ${TEXT}`, String.raw`\" constant.character.escape`, `b ${TEXT}`, String.raw`\u{1F600} constant.character.escape`, String.raw`\q invalid.illegal`, `c" ${TEXT}`);
is('description #"a "b" \\"# 1', `description ${NODE}`, `#"a "b" \\"# ${TEXT}`, `1 ${NUMBER}`);
is('description """\n  vm "x" {\n  """\nrng', `description ${NODE}`, `"""vm "x" {""" ${TEXT}`, `rng ${NODE}`);
is('description ##"""\n"""# "\n"""## 1', `description ${NODE}`, `##""""""# """"## ${TEXT}`, `1 ${NUMBER}`);
// A word is one where a node stands, and nowhere else; one that the language has not is none.
is("memroy 1", `1 ${NUMBER}`);
is("labels cpu=1 vm=2", `labels ${NODE}`, `cpu ${NAME}`, `1 ${NUMBER}`, `vm ${NAME}`, `2 ${NUMBER}`);
is("hide memory vm-2 cpus", `hide ${NODE}`);
is("vmx; memory2; rng", `rng ${NODE}`);
is('baseline "b" after="kvm-6.8" {', `baseline ${WHOLE}`, `"b" ${TEXT}`, `after ${NAME}`, `"kvm-6.8" ${TEXT}`, `{ ${BLOCK}`);
// A string that does not end takes no other line with it.
is('memory "512MiB\nrng', `memory ${NODE}`, `"512MiB ${TEXT}`, `rng ${NODE}`);

// A line that goes on has no node of its own on the next one.
is('set "A.B" \\\n  hide \\\n  rng source="x" {\nrng', `set ${NODE}`, `"A.B" ${TEXT}`, `source ${NAME}`, `"x" ${TEXT}`, `{ ${BLOCK}`, `rng ${NODE}`);

/** Every file of the language below a folder. */
function below(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) return below(place);
    return entry.name.endsWith(".kdl") ? [place] : [];
  });
}

/** Good files: the first word of each line, outside of strings and comments, is one of the language. */
const good = [...below("examples"), ...below("lab/tests/specs"), ...below("spec/catalogue/baselines"), ...below("spec/catalogue/cpus")];
let words = 0;
for (const place of good) {
  const text = fs.readFileSync(place, "utf8");
  const lines = text.split("\n");
  let line = -1;
  for (const { at, words: token, scope } of tokens(text)) {
    const first = at !== line && !lines[at - 1]?.endsWith("\\");
    line = at;
    if (scope.startsWith("comment") || scope === BLOCK) continue;
    const word = /^[a-z][a-z0-9-]*$/.test(token);
    if (first && word) {
      words += 1;
      holds(`${place}:${at + 1}: \`${token}\` is a word of the language`, [NODE, WHOLE].includes(scope), scope);
    } else if (first) {
      holds(`${place}:${at + 1}: \`${token}\` begins a line`, scope.startsWith("string"), scope);
    }
    holds(`${place}:${at + 1}: \`${token}\` is well written`, !scope.startsWith("invalid"), scope);
  }
}
holds("the files of the tree have words", good.length > 40 && words > 500, [good.length, words]);

for (const problem of problems) console.log(problem);
console.log(`${checked} checked, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
