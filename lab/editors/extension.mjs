// VS Code's extension as it is packed, without VS Code: all that it is made of is there and loads, it starts `vmlock lsp`,
// and answers for the schemas that files name.
//
//   node extension.mjs FOLDER
//
// from the top of the tree, with the folder that the file was unpacked into. Each problem is a line of stdout, and the last line says how much was
// checked.

import fs from "node:fs";
import Module, { createRequire } from "node:module";
import path from "node:path";

const [, , folder] = process.argv;
const inner = path.join(folder, "extension");
const require = createRequire(path.join(inner, "extension.js"));
const problems = [];
let checked = 0;

/** One thing that has to be so. */
function holds(what, so, found) {
  checked += 1;
  if (!so) problems.push(found === undefined ? what : `${what}: ${JSON.stringify(found).slice(0, 600)}`);
}

/** In the place of VS Code's own module: whatever is asked for is there, and can be called, made and derived from. */
const told = { settings: { path: "/opt/vmlock" }, providers: new Map(), errors: [] };
const anything = new Proxy(class {}, {
  get: (target, name) => (name in target || typeof name === "symbol" ? target[name] : anything),
  apply: () => anything,
});
const vscode = new Proxy(
  {
    version: "1.91.0",
    window: { showErrorMessage: (words) => told.errors.push(words) },
    workspace: {
      registerTextDocumentContentProvider: (scheme, provider) => told.providers.set(scheme, provider),
      getConfiguration: () => ({ get: (name, otherwise) => told.settings[name] ?? otherwise }),
      textDocuments: [{ languageId: "json" }],
      onDidOpenTextDocument: (listener) => {
        told.opened = listener;
        return {};
      },
      workspaceFolders: [{ uri: { scheme: "file", fsPath: "/srv/machines" } }],
    },
  },
  { get: (target, name) => (name in target || typeof name === "symbol" ? target[name] : anything) },
);
const load = Module._load;
let started;
let stopped = 0;
Module._load = function (name, ...rest) {
  if (name === "vscode") return vscode;
  const loaded = load.call(this, name, ...rest);
  if (name !== "vscode-languageclient/node") return loaded;
  // The client as it is, but that nothing is started.
  holds("the client for language servers is packed whole", typeof loaded.LanguageClient === "function");
  class LanguageClient {
    constructor(...all) {
      started = all;
    }
    async start() {
      if (told.fails) throw new Error("no such file");
    }
    async stop() {
      stopped += 1;
    }
  }
  return { ...loaded, LanguageClient };
};

const about = JSON.parse(fs.readFileSync(path.join(inner, "package.json"), "utf8"));
const { contributes } = about;
const named = [
  about.main,
  ...contributes.grammars.map((grammar) => grammar.path),
  ...contributes.languages.map((language) => language.configuration),
  ...contributes.jsonValidation.map((schema) => schema.url),
];
for (const file of named) holds(`${file} is packed`, fs.existsSync(path.join(inner, file)));
for (const file of ["extension.vsixmanifest", "[Content_Types].xml"]) holds(`${file} is packed`, fs.existsSync(path.join(folder, file)));
const manifest = fs.readFileSync(path.join(folder, "extension.vsixmanifest"), "utf8");
holds("the manifest names the extension", manifest.includes(`Id="${about.name}" Version="${about.version}" Publisher="${about.publisher}"`), manifest);
const [, version] = /\[workspace\.package\]\nversion = "(.*)"/.exec(fs.readFileSync("Cargo.toml", "utf8")) ?? [];
holds("it has the version of vmlock", about.version === version, [about.version, version]);
holds("the language has one id", contributes.languages[0].id === contributes.grammars[0].language);

const extension = require("./extension.js");
const context = { subscriptions: [] };
await extension.activate(context);
await told.opened({ languageId: "kdl" });
holds("nothing is started for others' files", started === undefined);
await told.opened({ languageId: contributes.languages[0].id });
const [, , server, client] = started ?? [];
holds("the server is the program that the setting names", server?.command === "/opt/vmlock" && String(server?.args) === "lsp", server);
holds("it runs in the folder that is open", server?.options?.cwd === "/srv/machines", server);
holds("it gets the extension's language", client?.documentSelector.every((each) => each.language === contributes.languages[0].id), client);
holds("nothing is complained of", told.errors.length === 0, told.errors);

const provider = told.providers.get("urn");
const asked = (name) => provider?.provideTextDocumentContent({ toString: () => name });
const names = JSON.parse(fs.readFileSync(path.join(inner, "schemas/names.json"), "utf8"));
holds("five schemas have names", Object.keys(names).length === 5, names);
for (const name of Object.keys(names)) {
  const text = asked(name);
  holds(`${name} is answered`, text !== undefined && JSON.parse(text).$id === name, text?.slice(0, 80));
}
for (const name of ["urn:else", "constructor", "urn:vmlock:schema:lock"]) holds(`${name} is nobody's`, asked(name) === undefined);

const first = started;
await told.opened({ languageId: contributes.languages[0].id });
holds("one server is enough", started === first);
await extension.deactivate();
holds("the server ends with the extension", stopped === 1, stopped);

told.fails = true;
vscode.workspace.textDocuments = [{ languageId: contributes.languages[0].id }];
await extension.activate(context);
holds("what is open already counts", started !== first);
holds("a server that does not start is told of", told.errors.length === 1 && told.errors[0].includes("/opt/vmlock"), told.errors);
await extension.deactivate();
holds("and is not ended", stopped === 1, stopped);

for (const problem of problems) console.log(problem);
console.log(`${checked} checked, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
