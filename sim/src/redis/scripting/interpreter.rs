//! The interpreter of Lua, with what scripts find in it and what they do not.
//!
//! It knows values, errors and bounds; which commands a script may call is not its business.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use mlua::chunk::ChunkMode;
use mlua::debug::Debug;
use mlua::{
    Function, HookTriggers, Lua, LuaOptions, MultiValue, Result, StdLib, Table, Value, VmState,
};

use super::libraries;
use super::values::COUNTED;

/// What scripts are called in errors.
const SOURCE: &str = "@user_script";

/// A script that runs longer is ended as `SCRIPT KILL` would: nobody else runs meanwhile. Redis
/// itself would let it run on.
const INSTRUCTIONS_MAX: u64 = 100_000_000;

/// Instructions are counted in such steps.
const INSTRUCTIONS_STEP: u32 = 100_000;

/// An error that scripts see as a table with the text in `err`.
#[derive(Debug)]
pub(super) struct Raised {
    text: Vec<u8>,
    /// A command has answered it.
    answered: bool,
}

impl fmt::Display for Raised {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl std::error::Error for Raised {}

/// An error with its code.
pub(super) fn coded(text: Vec<u8>) -> mlua::Error {
    mlua::Error::external(Raised { text, answered: false })
}

/// An error that a command has answered.
pub(super) fn answered(text: Vec<u8>) -> mlua::Error {
    mlua::Error::external(Raised { text, answered: true })
}

/// An error without a place.
pub(super) fn fail(text: &str) -> mlua::Error {
    coded(format!("ERR {text}").into_bytes())
}

/// An error at the place in the script from which the running function was called, as a text.
pub(super) fn raise(lua: &Lua, text: &str) -> mlua::Error {
    let place = lua.inspect_stack(1, |frame| {
        let source = frame.source().short_src.map(|source| source.into_owned());
        source.zip(frame.current_line())
    });
    let place = place.flatten().map(|(source, line)| format!("{source}:{line}: "));
    mlua::Error::runtime(place.unwrap_or_default() + text)
}

/// An interpreter, and the scripts that it has read.
pub(super) struct Interpreter {
    pub(super) lua: Lua,
    /// Its table `redis`.
    pub(super) redis: Table,
    env: Table,
    globals: Table,
    runner: Function,
    functions: BTreeMap<String, Function>,
    /// Instructions that the running script may still take.
    left: Rc<Cell<u64>>,
}

impl Interpreter {
    pub(super) fn new() -> Result<Self> {
        let libraries = StdLib::TABLE | StdLib::STRING | StdLib::MATH;
        let lua = Lua::new_with(libraries, LuaOptions::default())?;
        let native = lua.create_table()?;
        let redis = libraries::redis(&lua)?;
        native.raw_set("redis", &redis)?;
        native.raw_set("bit", libraries::bit(&lua)?)?;
        native.raw_set("cjson", libraries::cjson(&lua)?)?;
        let (random, seed) = libraries::random(&lua)?;
        native.raw_set("random", random)?;
        native.raw_set("randomseed", seed)?;
        native.raw_set("plain", lua.create_function(plain)?)?;
        native.raw_set("locate", lua.create_function(locate)?)?;
        native.raw_set("missing", lua.create_function(missing)?)?;
        native.raw_set("raising", lua.create_function(raising)?)?;
        let prelude = lua.load(include_str!("prelude.lua")).set_name("=redis");
        let (env, globals, runner) = prelude.call::<(Table, Table, Function)>(native)?;
        let left = Rc::default();
        Ok(Self { lua, redis, env, globals, runner, functions: BTreeMap::new(), left })
    }

    /// Reads a script, if it has not been read before; what is wrong with it otherwise.
    pub(super) fn read(&mut self, sha: &str, body: &[u8]) -> std::result::Result<(), String> {
        if self.functions.contains_key(sha) {
            return Ok(());
        }
        let chunk = self.lua.load(body).set_name(SOURCE).set_mode(ChunkMode::Text);
        let function = chunk.set_environment(self.env.clone()).into_function();
        let function = function.map_err(|error| match error {
            mlua::Error::SyntaxError { message, .. } => message,
            other => other.to_string(),
        })?;
        self.functions.insert(sha.to_owned(), function);
        Ok(())
    }

    /// Runs a script that was read: what it returns, or its error.
    pub(super) fn run(
        &self,
        sha: &str,
        keys: &[Vec<u8>],
        arguments: &[Vec<u8>],
    ) -> Result<std::result::Result<Value, Value>> {
        for (name, words) in [("KEYS", keys), ("ARGV", arguments)] {
            let table = self.lua.create_table()?;
            for (at, word) in words.iter().enumerate() {
                table.raw_set(at + 1, self.lua.create_string(word)?)?;
            }
            self.globals.raw_set(name, table)?;
        }
        self.left.set(INSTRUCTIONS_MAX);
        self.watch(INSTRUCTIONS_STEP)?;
        let (done, value) = self.runner.call::<(bool, Value)>(&self.functions[sha])?;
        Ok(if done { Ok(value) } else { Err(value) })
    }

    /// Counts instructions in steps of so many.
    fn watch(&self, step: u32) -> Result<()> {
        let left = self.left.clone();
        let triggers = HookTriggers::new().every_nth_instruction(step);
        self.lua.set_global_hook(triggers, move |lua, _| {
            left.set(left.get().saturating_sub(u64::from(step)));
            if left.get() == 0 {
                lua.set_global_hook(HookTriggers::new().every_nth_instruction(1), kill)?;
            }
            Ok(VmState::Continue)
        })
    }
}

/// Ends the script, and again where it catches that; what stands around it is let through.
fn kill(_: &Lua, frame: &Debug<'_>) -> Result<VmState> {
    match frame.source().source.as_deref() {
        Some("=redis") => Ok(VmState::Continue),
        _ => Err(killed()),
    }
}

fn killed() -> mlua::Error {
    fail("Script killed by user with SCRIPT KILL.")
}

/// An error as scripts see it: what Rust has raised is a table, or a text if it has a place.
fn plain(lua: &Lua, value: Value) -> Result<Value> {
    let Value::Error(error) = &value else { return Ok(value) };
    if let Some(Raised { text, answered }) = error.downcast_ref() {
        let table = lua.create_table()?;
        table.raw_set("err", lua.create_string(text)?)?;
        if *answered {
            table.raw_set(COUNTED, true)?;
        }
        return Ok(Value::Table(table));
    }
    let mut error = &**error;
    while let mlua::Error::CallbackError { cause, .. } = error {
        error = cause;
    }
    let text = match error {
        mlua::Error::RuntimeError(text) => text.clone(),
        other => other.to_string(),
    };
    lua.create_string(text).map(Value::String)
}

/// Source and line of the script's own function that raised the error which is being handled.
fn locate(lua: &Lua, (): ()) -> Result<MultiValue> {
    for level in 2.. {
        let place = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            let own = source.what == "C" || source.source.as_deref() == Some("=redis");
            let source = source.source.map(|source| source.into_owned());
            (own, source, frame.current_line())
        });
        let Some((own, source, line)) = place else { break };
        if own {
            continue;
        }
        let line = line.map_or(-1, |line| i64::try_from(line).expect("lines are counted in C"));
        let source = lua.create_string(source.unwrap_or_default())?;
        return Ok([Value::String(source), Value::Integer(line)].into_iter().collect());
    }
    Ok(MultiValue::new())
}

/// Nothing has this name.
fn missing(lua: &Lua, (_, name): (Value, Value)) -> Result<Value> {
    let name = lua.coerce_string(name)?.map(|name| name.to_string_lossy());
    let name = name.unwrap_or_default();
    Err(raise(lua, &format!("Script attempted to access nonexistent global variable '{name}'")))
}

/// A function that raises what the given one returns behind `false`. It is none of Lua, in place of
/// which a script that ends with its call would be gone when the error asks where it was.
fn raising(lua: &Lua, run: Function) -> Result<Function> {
    lua.create_function(move |lua, values: MultiValue| {
        let mut returned = run.call::<MultiValue>(values)?;
        if returned.pop_front() == Some(Value::Boolean(true)) {
            return Ok(returned);
        }
        let error = returned.pop_front().unwrap_or(Value::Nil);
        if let Value::Table(error) = &error
            && let Some(text) = error.raw_get::<Option<mlua::LuaString>>("err")?
        {
            return Err(coded(text.as_bytes().to_vec()));
        }
        let text = lua.coerce_string(error)?.map(|text| text.to_string_lossy());
        Err(raise(lua, &text.unwrap_or_default()))
    })
}
