// Starts `vmlock lsp` for descriptions and for files of baselines and CPU models, once one is open, and gives VS Code's JSON
// service the schemas that locks and host reports name (`urn:vmlock:schema:…`), without a network.

"use strict";

const fs = require("node:fs");
const path = require("node:path");
const { window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

/** What VS Code calls these files. */
const LANGUAGE = "vmlock";
/** Schemas by their names, each in a file of this folder. */
const SCHEMAS = path.join(__dirname, "schemas");

let client;

/** What stands at `urn:…`; nothing of others than ours. */
function schema(uri) {
  const names = JSON.parse(fs.readFileSync(path.join(SCHEMAS, "names.json"), "utf8"));
  const name = uri.toString(true);
  return Object.hasOwn(names, name) ? fs.readFileSync(path.join(SCHEMAS, names[name]), "utf8") : undefined;
}

async function start() {
  const command = workspace.getConfiguration("vmlock").get("path", "vmlock");
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const cwd = folder?.scheme === "file" ? folder.fsPath : undefined;
  const documentSelector = ["file", "untitled"].map((scheme) => ({ language: LANGUAGE, scheme }));
  client = new LanguageClient(LANGUAGE, "vmlock", { command, args: ["lsp"], options: { cwd } }, { documentSelector });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    window.showErrorMessage(
      `vmlock: \`${command} lsp\` did not start: ${error.message}. The setting vmlock.path says where the program is.`,
    );
  }
}

exports.activate = async function (context) {
  context.subscriptions.push(
    workspace.registerTextDocumentContentProvider("urn", { provideTextDocumentContent: schema }),
  );
  // Who opens other JSON alone needs no server, and no word about one that is not installed.
  let asked = false;
  const opened = async ({ languageId }) => {
    if (asked || languageId !== LANGUAGE) return;
    asked = true;
    await start();
  };
  context.subscriptions.push(workspace.onDidOpenTextDocument(opened));
  for (const document of workspace.textDocuments) await opened(document);
};

exports.deactivate = () => client?.stop();
