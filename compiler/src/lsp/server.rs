//! The server: one message after the other, in the order in which they came.
//!
//! A request that is cancelled before its turn is refused. Findings are sent when nothing else waits, once for all that
//! was typed meanwhile. What a handler does wrong ends that request, and no more.

#[cfg(test)]
mod tests;

use super::actions::UPDATE_LOCK;
use super::analysis::{Analysis, Analyst, Kind};
use super::digests::{self, Done, Job};
use super::document::{Document, Documents, change_of};
use super::message::{self, FAILED, Message, Refusal};
use super::view::{Client, View};
use super::{actions, completion, definition, diagnostics, format, hints, hover, rename, symbols};
use crate::compile::lock_path;
use crate::render;
use gen_lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionProvider, CompletionOptions, DiagnosticOptions,
    DiagnosticProvider, ErrorCodes, ExecuteCommandOptions, Position, Range, RenameOptions,
    RenameProvider, ServerCapabilities, TextDocumentSync, TextDocumentSyncKind,
    TextDocumentSyncOptions,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

/// A client cancelled it (LSP 3.17, `LSPErrorCodes`).
const CANCELLED: ErrorCodes = ErrorCodes::Custom(-32800);

/// What the server waits for.
pub enum Event {
    /// The client's.
    Message(Message),
    /// There is nothing more to come.
    End,
    /// A large file was read.
    Read(Done),
}

/// How far client and server are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing but `initialize` is answered.
    Begun,
    Running,
    /// Nothing but `exit` is.
    ShutDown,
}

/// How a request is answered.
pub enum Answer {
    Now(Value),
    /// When large files have been read.
    Later,
}

type Answered = Result<Answer, Refusal>;

/// See the top of the file.
pub struct Server<'a> {
    send: &'a mut dyn FnMut(&Value),
    events: Sender<Event>,
    phase: Phase,
    client: Client,
    documents: Documents,
    analyst: Analyst,
    known: BTreeMap<String, Rc<Analysis>>,
    /// What the open descriptions import; of one that cannot be read just now, what it imported before.
    imports: BTreeMap<String, Vec<PathBuf>>,
    /// Texts whose findings the client does not have yet.
    dirty: BTreeSet<String>,
    /// Whom large files are given to.
    reader: Option<Sender<Job>>,
    queue: VecDeque<Message>,
    cancelled: Vec<Value>,
    /// Commands that wait for large files.
    later: Vec<(Value, String, Value)>,
    roots: Vec<PathBuf>,
    asked: u64,
    ended: bool,
}

/// Serves until the client ends it or has gone; whether it was ended as the protocol says. `alive` says whether a process
/// is there, and how often that is asked.
pub fn serve(
    events: Receiver<Event>,
    sender: Sender<Event>,
    send: &mut dyn FnMut(&Value),
    alive: (&dyn Fn(i64) -> bool, Duration),
) -> bool {
    let mut server = Server {
        send,
        events: sender,
        phase: Phase::Begun,
        client: Client::of(&Value::Null),
        documents: Documents::default(),
        analyst: Analyst::default(),
        known: BTreeMap::new(),
        imports: BTreeMap::new(),
        dirty: BTreeSet::new(),
        reader: None,
        queue: VecDeque::new(),
        cancelled: Vec::new(),
        later: Vec::new(),
        roots: Vec::new(),
        asked: 0,
        ended: false,
    };
    server.run(&events, alive)
}

impl Server<'_> {
    fn run(
        &mut self,
        events: &Receiver<Event>,
        (alive, every): (&dyn Fn(i64) -> bool, Duration),
    ) -> bool {
        let mut parent = None;
        loop {
            // All that has come, so that what is cancelled is known.
            loop {
                match events.try_recv() {
                    Ok(event) => self.take(event),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        self.ended = true;
                        break;
                    }
                }
            }
            if let Some(message) = self.queue.pop_front() {
                if let Message::Request { method, params, .. } = &message
                    && method == "initialize"
                    && self.phase == Phase::Begun
                {
                    // One that is not seen from here cannot be waited for either.
                    parent = params["processId"].as_i64().filter(|id| alive(*id));
                }
                if let Some(well) = self.handle(message) {
                    return well;
                }
                continue;
            }
            if self.ended {
                return self.phase == Phase::ShutDown;
            }
            if self.publish_one() {
                continue;
            }
            match events.recv_timeout(every) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => self.ended |= parent.is_some_and(|id| !alive(id)),
                Err(RecvTimeoutError::Disconnected) => self.ended = true,
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Message(Message::Notification { method, params })
                if method == "$/cancelRequest" =>
            {
                let waits =
                    |m: &Message| matches!(m, Message::Request { id, .. } if *id == params["id"]);
                if self.queue.iter().any(waits) {
                    self.cancelled.push(params["id"].clone());
                }
                self.later.retain(|(id, _, _)| {
                    let cancelled = *id == params["id"];
                    if cancelled {
                        let words = Refusal::new(CANCELLED, "cancelled");
                        (self.send)(&message::refusal(Some(id), &words));
                    }
                    !cancelled
                });
            }
            Event::Message(message) => self.queue.push_back(message),
            Event::End => self.ended = true,
            Event::Read(done) => {
                self.documents.digests.learn(done);
                self.wake();
            }
        }
    }

    /// More is known of large files: what waited for it has its turn again.
    fn wake(&mut self) {
        self.forget_all();
        for (id, method, params) in std::mem::take(&mut self.later) {
            self.queue
                .push_back(Message::Request { id, method, params });
        }
    }

    /// Does what a message asks; says how it ended where it was the last one.
    fn handle(&mut self, message: Message) -> Option<bool> {
        match message {
            Message::Request { id, method, params } => {
                let answered = match self.cancelled.iter().position(|other| *other == id) {
                    Some(at) => {
                        self.cancelled.remove(at);
                        Err(Refusal::new(CANCELLED, "cancelled"))
                    }
                    None => self.guarded(|server| server.request(&method, &params)),
                };
                match answered {
                    Ok(Answer::Now(result)) => (self.send)(&message::answer(&id, result)),
                    Ok(Answer::Later) => self.later.push((id, method, params)),
                    Err(refusal) => (self.send)(&message::refusal(Some(&id), &refusal)),
                }
            }
            Message::Notification { method, .. } if method == "exit" => {
                return Some(self.phase == Phase::ShutDown);
            }
            Message::Notification { method, params } => {
                // Whatever comes of it, there is nobody to tell.
                let _ = self.guarded(|server| {
                    server.notification(&method, params);
                    Ok(Answer::Now(Value::Null))
                });
            }
            Message::Response => {}
            Message::Malformed(words) => {
                let refusal = Refusal::new(ErrorCodes::ParseError, words);
                (self.send)(&message::refusal(None, &refusal));
            }
        }
        None
    }

    /// A bug of ours ends the request that it is found in.
    fn guarded(&mut self, handler: impl FnOnce(&mut Self) -> Answered) -> Answered {
        let caught = catch_unwind(AssertUnwindSafe(|| handler(self)));
        caught.unwrap_or_else(|_| {
            self.forget_all();
            let words =
                "this is a bug in vmlock, not in your files: its words are in the server's log";
            Err(Refusal::new(ErrorCodes::InternalError, words))
        })
    }

    fn request(&mut self, method: &str, params: &Value) -> Answered {
        #[cfg(test)]
        assert_ne!(method, "test/bug");
        match (self.phase, method) {
            (Phase::Begun, "initialize") => return now(self.initialize(params)),
            (Phase::Begun, _) => {
                let words = "the first request is `initialize`";
                return Err(Refusal::new(ErrorCodes::ServerNotInitialized, words));
            }
            (Phase::ShutDown, _) | (_, "initialize") => {
                let words = format!("`{method}` has no place here any more");
                return Err(Refusal::new(ErrorCodes::InvalidRequest, words));
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                return now(Value::Null);
            }
            (Phase::Running, _) => {}
        }
        if method == "workspace/executeCommand" {
            return self.execute(params);
        }
        let known = [
            "textDocument/completion",
            "textDocument/hover",
            "textDocument/definition",
            "textDocument/documentSymbol",
            "textDocument/codeAction",
            "textDocument/inlayHint",
            "textDocument/formatting",
            "textDocument/prepareRename",
            "textDocument/rename",
            "textDocument/diagnostic",
        ];
        if !known.contains(&method) {
            let words = format!("there is no `{method}` here");
            return Err(Refusal::new(ErrorCodes::MethodNotFound, words));
        }
        let uri: String = at(params, "/textDocument/uri")?;
        let Some(analysis) = self.analysis(&uri) else {
            let words = format!("`{uri}` is not open");
            return Err(Refusal::new(ErrorCodes::InvalidParams, words));
        };
        let Some(document) = self.documents.get(&uri) else {
            return now(Value::Null);
        };
        let view = View {
            document,
            analysis: &analysis,
            documents: &self.documents,
            client: &self.client,
        };
        let position = || at::<Position>(params, "/position");
        match method {
            "textDocument/completion" => now(completion::complete(&view, position()?)),
            "textDocument/hover" => now(hover::hover(&view, position()?)),
            "textDocument/definition" => now(definition::definition(&view, position()?)),
            "textDocument/documentSymbol" => now(symbols::symbols(&view)),
            "textDocument/codeAction" => {
                let only: Option<Vec<CodeActionKind>> = at(params, "/context/only").ok();
                let range: Range = at(params, "/range")?;
                let other = |text: &str| self.looked_at(document, text);
                now(actions::actions(&view, range, only.as_deref(), &other))
            }
            "textDocument/inlayHint" => now(hints::hints(&view, at(params, "/range")?)),
            "textDocument/formatting" => now(format::format(&view)),
            "textDocument/prepareRename" => now(rename::prepare(&view, position()?)?),
            "textDocument/rename" => {
                let name: String = at(params, "/newName")?;
                now(rename::rename(&view, position()?, &name, &self.roots)?)
            }
            _ => now(json!({ "kind": "full", "items": self.found(&uri) })),
        }
    }

    /// What is known of a text that an action would make of an open one.
    fn looked_at(&self, document: &Document, text: &str) -> Analysis {
        let mut other = Document::new(document.uri.clone(), document.version, text.to_owned());
        other.path.clone_from(&document.path);
        let beside = self.beside(&document.path);
        self.analyst.look(&other, &self.documents, &beside)
    }

    fn initialize(&mut self, params: &Value) -> Value {
        self.phase = Phase::Running;
        self.client = Client::of(params);
        let folders = params["workspaceFolders"].as_array().into_iter().flatten();
        let folders = folders.filter_map(|folder| folder["uri"].as_str());
        let folders: Vec<&str> = folders.chain(params["rootUri"].as_str()).collect();
        self.roots = folders
            .into_iter()
            .filter_map(crate::uri::to_path)
            .collect();
        self.roots.dedup();
        let word = |text: &str| Some(vec![text.to_owned()]);
        let capabilities = ServerCapabilities {
            position_encoding: Some(self.client.encoding.kind()),
            text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::Incremental),
                save: Some(true.into()),
                ..Default::default()
            })),
            completion_provider: Some(CompletionOptions {
                trigger_characters: word("\"").map(|mut all| {
                    all.extend([" ", "=", "/"].map(str::to_owned));
                    all
                }),
                ..Default::default()
            }),
            hover_provider: Some(true.into()),
            definition_provider: Some(true.into()),
            document_symbol_provider: Some(true.into()),
            code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
                code_action_kinds: Some(actions::KINDS.to_vec()),
                ..Default::default()
            })),
            inlay_hint_provider: Some(true.into()),
            document_formatting_provider: Some(true.into()),
            rename_provider: Some(RenameProvider::RenameOptions(RenameOptions {
                prepare_provider: Some(true),
                ..Default::default()
            })),
            execute_command_provider: Some(ExecuteCommandOptions {
                commands: vec![UPDATE_LOCK.to_owned()],
                ..Default::default()
            }),
            // Who gets findings and asks for them as well would show each twice.
            diagnostic_provider: (!self.client.pushed).then(|| {
                DiagnosticProvider::DiagnosticOptions(DiagnosticOptions {
                    identifier: Some(diagnostics::SOURCE.to_owned()),
                    inter_file_dependencies: true,
                    workspace_diagnostics: false,
                    ..Default::default()
                })
            }),
            ..Default::default()
        };
        json!({
            "capabilities": value(&capabilities),
            "serverInfo": { "name": "vmlock", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    fn notification(&mut self, method: &str, params: Value) {
        #[cfg(test)]
        assert_ne!(method, "test/bug");
        if self.phase != Phase::Running {
            return;
        }
        let uri = || at::<String>(&params, "/textDocument/uri").ok();
        match method {
            "initialized" => self.watch(),
            "textDocument/didOpen" => {
                let text = at::<String>(&params, "/textDocument/text").ok();
                let version = at(&params, "/textDocument/version").unwrap_or_default();
                if let (Some(uri), Some(text)) = (uri(), text) {
                    self.documents
                        .open(Document::new(uri.clone(), version, text));
                    self.changed(&uri);
                }
            }
            "textDocument/didChange" => {
                if let Some(uri) = uri() {
                    self.change(&uri, params);
                }
            }
            "textDocument/didClose" => {
                if let Some(uri) = uri() {
                    self.close(&uri);
                }
            }
            // Files beside it may have been written as well.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.forget_all(),
            _ => {}
        }
    }

    /// Follows the changes of a text. After one that cannot be followed nobody here knows what the client has: the text is
    /// taken for closed, and requests for it are refused.
    fn change(&mut self, uri: &str, mut params: Value) {
        let encoding = self.client.encoding;
        let version = at(&params, "/textDocument/version");
        let Some(document) = self.documents.get_mut(uri) else {
            return;
        };
        let changes: Result<Vec<_>, _> = match params["contentChanges"].take() {
            Value::Array(changes) => changes.into_iter().map(change_of).collect(),
            other => serde_json::from_value(other),
        };
        match changes {
            Ok(changes) => {
                for change in changes {
                    document.change(change, encoding);
                }
                if let Ok(version) = version {
                    document.version = version;
                }
                self.changed(uri);
            }
            Err(error) => {
                let words = format!(
                    "vmlock: a change of `{uri}` cannot be followed, so it is closed here: {error}"
                );
                let _ = render::write(std::io::stderr(), &render::plain(&words));
                self.close(uri);
            }
        }
    }

    /// A text is open no more.
    fn close(&mut self, uri: &str) {
        self.changed(uri);
        self.documents.close(uri);
        self.known.remove(uri);
        self.dirty.remove(uri);
        let imported = self.imports.remove(uri).unwrap_or_default();
        self.forget(&imported);
        if self.client.pushed {
            let params = json!({ "uri": uri, "diagnostics": [] });
            (self.send)(&message::notification(
                "textDocument/publishDiagnostics",
                params,
            ));
        }
    }

    /// Asks to be told of changes of files that are not open.
    fn watch(&mut self) {
        if !self.client.watches {
            return;
        }
        self.asked += 1;
        let watchers = json!([{ "globPattern": "**/*.{kdl,json}" }]);
        let registration = json!({
            "id": "vmlock-files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        let params = json!({ "registrations": [registration] });
        (self.send)(&message::request(
            self.asked,
            "client/registerCapability",
            params,
        ));
    }

    /// A text has changed: what is known of it, and of those that import it, is known no more.
    fn changed(&mut self, uri: &str) {
        let path = self
            .documents
            .get(uri)
            .map(|document| document.path.clone());
        self.known.remove(uri);
        self.dirty.insert(uri.to_owned());
        let Some(path) = path else { return };
        let imports = |uri: &str, analysis: &Analysis| {
            let document = self.documents.get(uri);
            document.is_some_and(|d| analysis.imports(&d.path).contains(&path))
        };
        // One that could not be read may import it as well.
        let others: Vec<String> = self
            .known
            .iter()
            .filter(|(uri, analysis)| imports(uri, analysis) || analysis.is_unread())
            .map(|(uri, _)| uri.clone())
            .collect();
        for other in others {
            self.known.remove(&other);
            self.dirty.insert(other);
        }
        // So may one that is imported beside it.
        let mut beside = self.beside(&path);
        beside.retain(|other| *other != path);
        self.forget(&beside);
    }

    /// What is known of the open ones of these files is known no more.
    fn forget(&mut self, files: &[PathBuf]) {
        let open = self.documents.all().filter(|d| files.contains(&d.path));
        for uri in open.map(|document| document.uri.clone()) {
            self.known.remove(&uri);
            self.dirty.insert(uri);
        }
    }

    /// What stands beside a file of baselines where somebody imports it: it may build on that.
    fn beside(&self, path: &Path) -> Vec<PathBuf> {
        let lists = self.imports.values();
        let lists = lists.filter(|list| list.iter().any(|file| file == path));
        lists.flatten().cloned().collect()
    }

    fn forget_all(&mut self) {
        self.known.clear();
        self.dirty = self.documents.all().map(|d| d.uri.clone()).collect();
    }

    /// What is known of an open text.
    fn analysis(&mut self, uri: &str) -> Option<Rc<Analysis>> {
        if let Some(known) = self.known.get(uri) {
            return Some(Rc::clone(known));
        }
        // Who imports it says what it may build on.
        if lock_path(&self.documents.get(uri)?.path).is_none() {
            let unknown =
                |d: &&Document| lock_path(&d.path).is_some() && !self.known.contains_key(&d.uri);
            let importers = self.documents.all().filter(unknown);
            let importers: Vec<String> = importers.map(|d| d.uri.clone()).collect();
            for importer in importers {
                self.analysis(&importer);
            }
        }
        let document = self.documents.get(uri)?;
        let path = document.path.clone();
        let beside = self.beside(&path);
        let analysis = Rc::new(self.analyst.look(document, &self.documents, &beside));
        let unread = match &analysis.kind {
            Kind::Description(_) => analysis.is_unread(),
            Kind::Imported(_) => false,
            Kind::Other => lock_path(&path).is_some(),
        };
        if !unread {
            let now = analysis.imports(&path);
            let before = self.imports.insert(uri.to_owned(), now.clone());
            let before = before.unwrap_or_default();
            if before != now {
                self.forget(&before);
                self.forget(&now);
            }
        }
        self.known.insert(uri.to_owned(), Rc::clone(&analysis));
        self.start_reading();
        Some(analysis)
    }

    /// Large files that were asked for are read by a thread of their own, one after the other.
    fn start_reading(&mut self) {
        for job in self.documents.digests.jobs() {
            let reader = match self.reader.take() {
                Some(reader) => Some(reader),
                None => {
                    let events = self.events.clone();
                    digests::reader(move |done| events.send(Event::Read(done)).is_ok()).ok()
                }
            };
            match reader {
                Some(reader) if reader.send(job).is_ok() => self.reader = Some(reader),
                _ => {
                    self.documents.digests.give_up();
                    self.wake();
                }
            }
        }
    }

    /// The findings on an open text.
    fn found(&mut self, uri: &str) -> Value {
        let Some(analysis) = self.analysis(uri) else {
            return json!([]);
        };
        let Some(document) = self.documents.get(uri) else {
            return json!([]);
        };
        let other = |path: &Path| self.documents.text(path).ok();
        value(&diagnostics::all(&analysis, document, &self.client, &other))
    }

    /// Sends the findings on one text that has changed; whether there was one.
    fn publish_one(&mut self) -> bool {
        let Some(uri) = self.dirty.pop_first() else {
            return false;
        };
        if !self.client.pushed || self.documents.get(&uri).is_none() {
            return true;
        }
        let mut found = Value::Null;
        let answered = self.guarded(|server| {
            found = server.found(&uri);
            // Whoever imports it may have been looked at before.
            if server.known.contains_key(&uri) {
                server.dirty.remove(&uri);
            }
            Ok(Answer::Now(Value::Null))
        });
        if answered.is_err() {
            // What was forgotten would be looked at again and again.
            self.dirty.clear();
            return true;
        }
        let version = self.documents.get(&uri).map(|document| document.version);
        let params = json!({ "uri": uri, "version": version, "diagnostics": found });
        (self.send)(&message::notification(
            "textDocument/publishDiagnostics",
            params,
        ));
        if self.client.refreshes
            && self
                .known
                .get(&uri)
                .is_some_and(|a| matches!(a.kind, Kind::Imported(_)))
        {
            self.asked += 1;
            (self.send)(&message::request(
                self.asked,
                "workspace/inlayHint/refresh",
                Value::Null,
            ));
        }
        true
    }

    fn execute(&mut self, params: &Value) -> Answered {
        let command: String = at(params, "/command")?;
        if command != UPDATE_LOCK {
            let words = format!("there is no command `{command}`");
            return Err(Refusal::new(ErrorCodes::InvalidParams, words));
        }
        let uri: String = at(params, "/arguments/0")?;
        let document = self.documents.get(&uri).filter(|d| d.on_disk);
        let path = document.map(|document| document.path.clone());
        let path = path.or_else(|| crate::uri::to_path(&uri));
        let Some(path) = path else {
            let words = format!("`{uri}` is no file, so it has no lock");
            return Err(Refusal::new(FAILED, words));
        };
        let answered = loop {
            let answered = actions::update_lock(&path, &self.documents);
            self.start_reading();
            // Where nothing is read after all, nothing comes that would wake it.
            if !matches!(answered, Ok(None)) || self.documents.digests.is_waiting() {
                break answered;
            }
        };
        match answered? {
            None => Ok(Answer::Later),
            Some(words) => {
                self.forget_all();
                let params = json!({ "type": 3, "message": words });
                (self.send)(&message::notification("window/showMessage", params));
                now(Value::Null)
            }
        }
    }
}

fn value(of: &impl Serialize) -> Value {
    // The protocol's types have no keys but texts.
    serde_json::to_value(of).unwrap_or_default()
}

fn now(of: impl Serialize) -> Answered {
    Ok(Answer::Now(value(&of)))
}

/// A part of a request's parameters.
fn at<T: DeserializeOwned>(params: &Value, place: &str) -> Result<T, Refusal> {
    let part = params.pointer(place).cloned().unwrap_or_default();
    serde_json::from_value(part).map_err(|error| {
        let place = place.trim_start_matches('/').replace('/', ".");
        Refusal::new(ErrorCodes::InvalidParams, format!("`{place}`: {error}"))
    })
}
