// The language server by the client that VS Code's extensions use: what it says of itself, and each of its answers, as
// that client's types have them.
//
//   node lsp.mjs VMLOCK
//
// from the top of the tree, with the path of the compiler. Each problem is a line of stdout, and the last line says how
// much was checked; nothing is fetched.

import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import protocol from "vscode-languageserver-protocol/node";

const [, , vmlock] = process.argv;
const problems = [];
let checked = 0;
/** How long one answer may take; a server on a busy machine answers within a second. */
const LIMIT = 60_000;

/** One thing that has to be so. */
function holds(what, so, found) {
  checked += 1;
  if (!so) problems.push(found === undefined ? what : `${what}: ${JSON.stringify(found).slice(0, 600)}`);
}

/** What comes, or an error when it does not. */
function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what}: nothing within ${LIMIT} ms`)), LIMIT)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "vmlock-lsp-"));
process.on("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));
const uri = (name) => pathToFileURL(path.join(scratch, name)).toString();

const TEXT = `// 🦀 a machine
vm "web" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=2 {
        pmu
        set "ID_AA64ISAR0_EL1.RNDR" 0
    }
    memory "512MiB"
    disk "root" path="root.img"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
`;

/** Where a word is, and how far into it. */
function at(text, word, into = 1) {
  const before = text.slice(0, text.indexOf(word) + into).split("\n");
  return { line: before.length - 1, character: before.at(-1).length };
}

/** The text after edits. */
function edited(text, edits) {
  const offset = ({ line, character }) => text.split("\n").slice(0, line).reduce((sum, l) => sum + l.length + 1, 0) + character;
  return [...edits]
    .sort((a, b) => offset(b.range.start) - offset(a.range.start))
    .reduce((out, e) => out.slice(0, offset(e.range.start)) + e.newText + out.slice(offset(e.range.end)), text);
}

const everything = {
  general: { positionEncodings: ["utf-16"] },
  workspace: { workspaceEdit: { documentChanges: true, resourceOperations: ["create"] }, didChangeWatchedFiles: { dynamicRegistration: true } },
  textDocument: {
    publishDiagnostics: { relatedInformation: true, versionSupport: true },
    hover: { contentFormat: ["markdown"] },
    completion: { completionItem: { snippetSupport: true, documentationFormat: ["markdown"] } },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: ["quickfix", "refactor", "source"] } } },
    rename: { prepareSupport: true },
  },
};

async function conversation() {
  fs.writeFileSync(path.join(scratch, "root.img"), Buffer.alloc(1 << 20));
  fs.writeFileSync(path.join(scratch, "web.vm.kdl"), TEXT);
  const child = spawn(vmlock, ["lsp", "--stdio"], { cwd: scratch, stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, XDG_CACHE_HOME: path.join(scratch, "cache") } });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const connection = protocol.createProtocolConnection(new protocol.StreamMessageReader(child.stdout), new protocol.StreamMessageWriter(child.stdin));
  // What was sent, and who waits for more of it.
  const sent = [];
  const waiting = new Set();
  connection.onNotification(protocol.PublishDiagnosticsNotification.type, (params) => {
    sent.push(params);
    for (const wake of waiting) wake();
  });
  const registered = new Promise((resolve) => connection.onRequest(protocol.RegistrationRequest.type, (params) => resolve(params.registrations)));
  connection.onNotification(protocol.ShowMessageNotification.type, () => {});
  connection.listen();
  const found = (version) =>
    within(
      `findings on version ${version}`,
      new Promise((resolve) => {
        const look = () => {
          const params = sent.find((p) => p.version === version);
          if (params) resolve(params.diagnostics), waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
    );
  const ask = (type, params) => within(type.method, connection.sendRequest(type, params));
  const document = { uri: uri("web.vm.kdl") };
  let version = 0;
  const change = (text) => {
    version += 1;
    connection.sendNotification(protocol.DidChangeTextDocumentNotification.type, { textDocument: { ...document, version }, contentChanges: [{ text }] });
    return found(version);
  };

  const { capabilities } = await ask(protocol.InitializeRequest.type, { processId: process.pid, rootUri: pathToFileURL(scratch).toString(), capabilities: everything, workspaceFolders: null });
  await connection.sendNotification(protocol.InitializedNotification.type, {});
  holds("positions count UTF-16", capabilities.positionEncoding === "utf-16", capabilities);
  for (const name of ["completion", "hover", "definition", "documentSymbol", "codeAction", "inlayHint", "documentFormatting", "rename"]) {
    holds(`the server has ${name}`, Boolean(capabilities[`${name}Provider`]), capabilities);
  }
  const registrations = await within("the wish to be told of files", registered);
  holds("files are watched", registrations[0].method === "workspace/didChangeWatchedFiles", registrations);

  connection.sendNotification(protocol.DidOpenTextDocumentNotification.type, { textDocument: { ...document, languageId: "kdl", version: 0, text: TEXT } });
  const good = await found(0);
  holds("a good text has no findings", good.length === 0, good);

  const items = await ask(protocol.CompletionRequest.type, { textDocument: document, position: at(TEXT, '"kvm-6.8"', 5) });
  const one = items.find((item) => item.label === "kvm-6.12");
  holds("a baseline is offered", one?.documentation?.value.includes("6.12"), items.length);
  const taken = one ? edited(TEXT, [one.textEdit]) : "";
  holds("it takes the place of what was there", taken.includes('abi "kvm-6.12" "psci-1.1"'), taken);
  const words = await ask(protocol.CompletionRequest.type, { textDocument: document, position: at(TEXT, "\n}\n") });
  holds("words have holes to be filled", words.some((item) => item.insertTextFormat === 2 && item.textEdit.newText.includes("${1:")), words.length);

  const hover = await ask(protocol.HoverRequest.type, { textDocument: document, position: at(TEXT, "neoverse-n1") });
  holds("a model is explained", hover?.contents.value.includes("Digest sha256-"), hover);
  const [location] = [await ask(protocol.DefinitionRequest.type, { textDocument: document, position: at(TEXT, "kvm-6.8") })].flat();
  holds("a baseline leads to its text", fs.readFileSync(new URL(location.uri), "utf8").includes('baseline "kvm-6.8"'), location);
  const symbols = await ask(protocol.DocumentSymbolRequest.type, { textDocument: document });
  holds("symbols stand in each other", symbols[0].children.map((s) => s.name).join() === "arch,abi,cpu,memory,disk,allow", symbols);
  const range = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } };
  const hints = await ask(protocol.InlayHintRequest.type, { textDocument: document, range });
  holds("hints have the lock's values", hints.some((hint) => hint.label === "1048576 bytes"), hints);
  const edits = await ask(protocol.DocumentFormattingRequest.type, { textDocument: document, options: { tabSize: 4, insertSpaces: true } });
  holds("what is laid out stays", edits.length === 0, edits);
  const prepared = await ask(protocol.PrepareRenameRequest.type, { textDocument: document, position: at(TEXT, '"web"') });
  holds("a machine can be renamed", prepared?.placeholder === "web", prepared);
  const renamed = await ask(protocol.RenameRequest.type, { textDocument: document, position: at(TEXT, '"web"'), newName: "db" });
  holds("and is", edited(TEXT, renamed.changes[document.uri]).includes('vm "db" {'), renamed);
  const refused = await ask(protocol.RenameRequest.type, { textDocument: document, position: at(TEXT, "kvm-6.8"), newName: "x" }).then(() => null, (error) => error);
  holds("a baseline of the catalogue cannot", refused?.message.includes("catalogue"), refused);

  // Behind an emoji, half-written, and mended by what is offered.
  const bad = TEXT.replace("    memory", '    /* 🦀 */ memroy');
  const diagnostics = await change(bad);
  const column = bad.split("\n")[8].indexOf("memroy");
  holds("a finding is where it is", diagnostics.length === 1 && diagnostics[0].range.start.character === column, diagnostics);
  holds("it has its code and its help", diagnostics[0]?.code === "spec::unknown-node" && diagnostics[0]?.message.includes("help: "), diagnostics);
  const actions = await ask(protocol.CodeActionRequest.type, { textDocument: document, range: diagnostics[0].range, context: { diagnostics, only: ["quickfix"] } });
  const mended = actions.length ? edited(bad, actions[0].edit.changes[document.uri]) : "";
  holds("a suggestion mends it", (await change(mended)).length === 0, actions);
  for (const text of ["", "vm", 'vm "w" {', 'vm "w" { abi "', "{".repeat(5000), "/*", TEXT.slice(0, 100), TEXT.replaceAll("\n", "\r\n")]) {
    const found = await change(text);
    holds(`half of a text: ${JSON.stringify(text.slice(0, 20))}`, text.includes("\r\n") ? found.length === 0 : found.length > 0, found);
  }

  await change(TEXT);
  const offered = await ask(protocol.CodeActionRequest.type, { textDocument: document, range, context: { diagnostics: [], only: ["source"] } });
  await ask(protocol.ExecuteCommandRequest.type, { command: offered[0].command.command, arguments: offered[0].command.arguments });
  holds("the lock was written", fs.readFileSync(path.join(scratch, "web.vm.lock.json"), "utf8").includes('"name": "web"'), offered);
  const register = await ask(protocol.DefinitionRequest.type, { textDocument: document, position: at(TEXT, "ID_AA64ISAR0_EL1") });
  holds("a register leads to its line in it", register?.uri.endsWith("web.vm.lock.json") && register.range.start.line > 0, register);

  await ask(protocol.ShutdownRequest.type);
  await connection.sendNotification(protocol.ExitNotification.type);
  const code = await within("the server's end", ended);
  holds("it ended as it was told", code === 0, code);
  connection.dispose();
}

try {
  await conversation();
} catch (error) {
  problems.push(`the conversation broke off: ${error.stack ?? error}`);
}
for (const problem of problems) console.log(problem.replaceAll("\n", " "));
console.log(`${checked} checked, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
