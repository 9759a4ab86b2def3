//! Scripts: which there are, and how one runs and calls commands.
//!
//! An instance has an interpreter from its first script on. While a script runs the interpreter is
//! taken out of the instance, and the script's calls go through [`Instance::call`] as the client's own
//! would, so that replicas and the append-only file hear of their effects one by one. In reading
//! order: `interpreter`, `values` (replies and Lua), `libraries`, `json`, `json_reader`, `sha1`.

mod interpreter;
mod json;
mod json_reader;
mod libraries;
mod sha1;
mod values;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use mlua::{Lua, MultiValue, Table, Value};

use super::commands::{self, Failure, flags};
use super::instance::{ClientId, Instance};
use super::reply::{Protocol, Reply};
use interpreter::Interpreter;

/// The scripts of an instance.
#[derive(Default)]
pub(crate) struct Scripts {
    /// Their texts by the SHA-1 of these.
    texts: BTreeMap<String, Vec<u8>>,
    interpreter: Option<Interpreter>,
    /// What the script that runs may do.
    running: Option<Rights>,
    /// Who runs it, and what that client speaks: it is told everything but the replies to commands of
    /// the script in that.
    caller: Option<(ClientId, Protocol)>,
}

/// What a script may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Rights {
    /// It may not write.
    pub(crate) read_only: bool,
    /// A `#!` line says so, or would.
    declared: bool,
    /// It may write although memory is full.
    allow_oom: bool,
    /// It has written something.
    wrote: bool,
}

impl Rights {
    /// What it may do when it is run so.
    fn when_run(self, read_only: bool) -> Result<Self, Failure> {
        if self.declared && !self.read_only && read_only {
            let text = "Can not execute a script with write flag using *_ro command.";
            return Err(Failure::text(text));
        }
        Ok(Self { read_only: self.read_only || read_only, ..self })
    }
}

impl Scripts {
    /// Whether one runs.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What the client speaks, if it runs a script.
    pub(crate) fn protocol_of_caller(&self, client: ClientId) -> Option<Protocol> {
        self.caller.filter(|(caller, _)| *caller == client).map(|(_, protocol)| protocol)
    }

    /// Whether there is a script with this digest.
    pub(crate) fn holds(&self, sha: &str) -> bool {
        self.texts.contains_key(sha)
    }

    /// There is no script any more.
    pub(crate) fn flush(&mut self) {
        *self = Self::default();
    }

    /// Keeps a script; its digest.
    pub(crate) fn load(&mut self, text: &[u8]) -> Result<String, Failure> {
        let sha = sha1::hex(text);
        if !self.texts.contains_key(&sha) {
            header(text)?;
            let interpreter = self.interpreter.get_or_insert_with(interpreter);
            interpreter.read(&sha, body(text)).map_err(|error| {
                Failure::text(format!("Error compiling script (new function): {error}"))
            })?;
            self.texts.insert(sha.clone(), text.to_vec());
        }
        Ok(sha)
    }
}

fn interpreter() -> Interpreter {
    Interpreter::new().expect("its own libraries are sound")
}

/// The text without its `#!` line, whose end stays so that lines count as written.
fn body(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| *byte == b'\n');
    match end.filter(|_| text.starts_with(b"#!")) {
        Some(end) => &text[end..],
        None => text,
    }
}

/// What the `#!` line of a script says that it may do.
fn header(text: &[u8]) -> Result<Rights, Failure> {
    let mut rights = Rights::default();
    if !text.starts_with(b"#!") {
        return Ok(rights);
    }
    rights.declared = true;
    let end = text.iter().position(|byte| *byte == b'\n');
    let end = end.ok_or_else(|| Failure::text("Invalid script shebang"))?;
    let line = String::from_utf8_lossy(&text[2..end]).into_owned();
    let mut words = line.split_ascii_whitespace();
    let engine = words.next().unwrap_or_default();
    if engine != "lua" {
        let text = format!("Unexpected engine in script shebang: #!{engine}");
        return Err(Failure::text(text));
    }
    for word in words {
        let Some(named) = word.strip_prefix("flags=") else {
            return Err(Failure::text(format!("Unknown lua shebang option: {word}")));
        };
        for flag in named.split(',').filter(|flag| !flag.is_empty()) {
            match flag {
                "no-writes" => rights.read_only = true,
                "allow-oom" => rights.allow_oom = true,
                "allow-stale" | "no-cluster" | "allow-cross-slot-keys" => {}
                _ => {
                    let text = format!("Unexpected flag in script shebang: {flag}");
                    return Err(Failure::text(text));
                }
            }
        }
    }
    Ok(rights)
}

/// What a script has chosen, and whom it calls commands for.
struct Calls<'a> {
    instance: RefCell<&'a mut Instance>,
    client: ClientId,
    /// How it is told replies.
    protocol: Cell<Protocol>,
}

impl Instance {
    /// Runs a script that is kept.
    pub(crate) fn run_script(
        &mut self,
        client: ClientId,
        sha: &str,
        read_only: bool,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<Reply, Failure> {
        let text = &self.scripts.texts[sha];
        let rights = header(text)?.when_run(read_only)?;
        let mut lua = self.scripts.interpreter.take().unwrap_or_else(interpreter);
        lua.read(sha, body(text)).map_err(Failure::text)?;
        self.scripts.running = Some(rights);
        let session = self.clients.get_mut(&client).expect("who asks is there");
        let before = (session.protocol, session.database);
        session.protocol = Protocol::Resp2;
        self.scripts.caller = Some((client, before.0));

        let calls =
            Calls { instance: RefCell::new(self), client, protocol: Cell::new(Protocol::Resp2) };
        let reply = calls.run(&lua, sha, keys, arguments, before.0);

        (self.scripts.running, self.scripts.caller) = (None, None);
        self.scripts.interpreter = Some(lua);
        if let Some(session) = self.clients.get_mut(&client) {
            (session.protocol, session.database) = before;
        }
        reply.map_err(|error| Failure::text(format!("Error running script {sha}, {error}")))
    }
}

impl Calls<'_> {
    fn run(
        &self,
        interpreter: &Interpreter,
        sha: &str,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
        client: Protocol,
    ) -> mlua::Result<Reply> {
        let outcome = interpreter.lua.scope(|scope| {
            let redis = &interpreter.redis;
            let call = |lua: &Lua, words: MultiValue| self.call(lua, words, true);
            redis.raw_set("call", scope.create_function(call)?)?;
            let call = |lua: &Lua, words: MultiValue| self.call(lua, words, false);
            redis.raw_set("pcall", scope.create_function(call)?)?;
            let choose = |lua: &Lua, values: MultiValue| self.choose(lua, values);
            redis.raw_set("setresp", scope.create_function(choose)?)?;
            interpreter.run(sha, keys, arguments)
        })?;
        let speech = values::Speech { script: self.protocol.get(), client };
        match outcome {
            Ok(value) => values::to_reply(&value, speech),
            Err(Value::Table(error)) => told(&error, sha),
            Err(_) => Ok(Reply::Error(b"ERR Error running script, execution failure".to_vec())),
        }
    }

    /// `redis.setresp`.
    fn choose(&self, lua: &Lua, values: MultiValue) -> mlua::Result<()> {
        let [value] = values.iter().collect::<Vec<_>>()[..] else {
            return Err(interpreter::fail("redis.setresp() requires one argument."));
        };
        let protocol = match lua.coerce_number(value.clone()).ok().flatten() {
            Some(number) if number.trunc() == 2.0 => Protocol::Resp2,
            Some(number) if number.trunc() == 3.0 => Protocol::Resp3,
            _ => return Err(interpreter::fail("RESP version must be 2 or 3.")),
        };
        self.protocol.set(protocol);
        self.instance
            .borrow_mut()
            .clients
            .get_mut(&self.client)
            .expect("who asks is there")
            .protocol = protocol;
        Ok(())
    }

    /// `redis.call`, or `redis.pcall` if it does not raise errors.
    fn call(&self, lua: &Lua, values: MultiValue, raises: bool) -> mlua::Result<Value> {
        let words = match command_words(values) {
            Ok(words) => words,
            Err(text) if raises => return Err(interpreter::fail(&text)),
            Err(text) => return libraries::error(lua, &text).map(Value::Table),
        };
        match self.reply(&words) {
            Reply::Error(text) if raises => Err(interpreter::answered(text)),
            reply => values::to_lua(lua, &reply, self.protocol.get()),
        }
    }

    /// What the command answers, or why it may not run.
    fn reply(&self, words: &[Vec<u8>]) -> Reply {
        self.run_command(words).unwrap_or_else(Failure::into_reply)
    }

    fn run_command(&self, words: &[Vec<u8>]) -> Result<Reply, Failure> {
        let (name, command) = commands::find(words).map_err(|failure| match failure {
            Failure::Arity(_) => {
                Failure::text("Wrong number of args calling Redis command from script")
            }
            _ => Failure::text("Unknown Redis command called from script"),
        })?;
        if command.has(flags::NO_SCRIPT) {
            return Err(Failure::text("This Redis command is not allowed from script"));
        }
        let mut instance = self.instance.borrow_mut();
        let rights = instance.scripts.running.unwrap_or_default();
        if rights.read_only && command.has(flags::WRITE | flags::MAY_REPLICATE) {
            let text = "Write commands are not allowed from read-only scripts.";
            return Err(Failure::text(text));
        }
        instance.allowed_by_role(self.client, command)?;
        let may_fill = rights.allow_oom || rights.wrote;
        if instance.memory.full && command.has(flags::DENY_OOM) && !may_fill {
            return Err(Instance::no_room());
        }
        if let Some(rights) = instance.scripts.running.as_mut() {
            rights.wrote |= command.has(flags::WRITE);
        }
        Ok(instance.call(self.client, &name, command, words))
    }
}

/// The words of the command that a script names; what is wrong with them otherwise.
fn command_words(values: MultiValue) -> Result<Vec<Vec<u8>>, String> {
    if values.is_empty() {
        return Err("Please specify at least one argument for this redis lib call".to_owned());
    }
    let words = values::words(values.into_iter());
    words.ok_or_else(|| "Lua redis lib command arguments must be strings or integers".to_owned())
}

/// The reply that tells of a script's error, and where it was.
fn told(error: &Table, sha: &str) -> mlua::Result<Reply> {
    let mut text = match error.raw_get::<Value>("err")? {
        Value::String(text) => text.as_bytes().to_vec(),
        _ => b"ERR unknown error".to_vec(),
    };
    let source = error.raw_get::<Option<mlua::LuaString>>("source")?;
    if let (Some(source), Some(line)) = (source, error.raw_get::<Option<i64>>("line")?) {
        let place = format!(" script: {sha}, on {}:{line}.", source.to_string_lossy());
        text.extend(place.as_bytes());
    }
    Ok(values::error(&text))
}

#[cfg(test)]
mod tests;
