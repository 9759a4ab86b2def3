//! Commands on scripts.

use super::super::number::integer;
use super::flags::{LOADING, MAY_REPLICATE, NO_SCRIPT, READ, SKIP_MONITOR, STALE, WRITE};
use super::{Command, Context, Failure, Keys, Reply, command, container};

const EVAL: u32 = NO_SCRIPT | MAY_REPLICATE | STALE | SKIP_MONITOR;
const EVAL_READ: u32 = NO_SCRIPT | READ | STALE | SKIP_MONITOR;

/// Some words of a request.
type Words<'a> = &'a [Vec<u8>];

pub(super) const TABLE: &[Command] = &[
    command("eval", -3, EVAL, Keys::Counted(2), eval),
    command("eval_ro", -3, EVAL_READ, Keys::Counted(2), eval_ro),
    command("evalsha", -3, EVAL, Keys::Counted(2), evalsha),
    command("evalsha_ro", -3, EVAL_READ, Keys::Counted(2), evalsha_ro),
    container("function", -2, FUNCTION),
    container("script", -2, SCRIPT),
];

const FUNCTION: &[Command] = &[
    command("flush", -2, NO_SCRIPT | WRITE, Keys::None, function_flush),
    command("kill", 2, NO_SCRIPT, Keys::None, script_kill),
    command("list", -2, NO_SCRIPT, Keys::None, function_list),
];

const SCRIPT: &[Command] = &[
    command("debug", 3, NO_SCRIPT, Keys::None, script_debug),
    command("exists", -3, NO_SCRIPT, Keys::None, script_exists),
    command("flush", -2, NO_SCRIPT, Keys::None, script_flush),
    command("help", 2, LOADING | STALE, Keys::None, script_help),
    command("kill", 2, NO_SCRIPT, Keys::None, script_kill),
    command("load", 3, NO_SCRIPT | STALE | LOADING, Keys::None, script_load),
];

fn eval(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    of_text(context, words, false)
}

fn eval_ro(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    of_text(context, words, true)
}

fn evalsha(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    of_digest(context, words, false)
}

fn evalsha_ro(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    of_digest(context, words, true)
}

fn of_text(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    read_only: bool,
) -> Result<Reply, Failure> {
    let (keys, arguments) = split(words)?;
    let sha = context.instance.scripts.load(&words[1])?;
    context.instance.run_script(context.client, &sha, read_only, keys, arguments)
}

fn of_digest(
    context: &mut Context<'_>,
    words: &[Vec<u8>],
    read_only: bool,
) -> Result<Reply, Failure> {
    let unknown = || Failure::Other(b"NOSCRIPT No matching script. Please use EVAL.".to_vec());
    let sha = String::from_utf8_lossy(&words[1]).to_ascii_lowercase();
    if words[1].len() != 40 {
        return Err(unknown());
    }
    let (keys, arguments) = split(words)?;
    if !context.instance.scripts.holds(&sha) {
        return Err(unknown());
    }
    context.instance.run_script(context.client, &sha, read_only, keys, arguments)
}

/// The script's keys, and its other arguments.
fn split(words: &[Vec<u8>]) -> Result<(Words<'_>, Words<'_>), Failure> {
    let count = integer(&words[2]).ok_or(Failure::NotAnInteger)?;
    let rest = &words[3..];
    if count > i64::try_from(rest.len()).expect("words are counted in 32 bits") {
        return Err(Failure::text("Number of keys can't be greater than number of args"));
    }
    let negative = |_| Failure::text("Number of keys can't be negative");
    Ok(rest.split_at(usize::try_from(count).map_err(negative)?))
}

fn script_load(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    context.instance.scripts.load(&words[2]).map(Reply::bulk)
}

fn script_exists(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    let scripts = &context.instance.scripts;
    let there = |sha: &Vec<u8>| {
        let sha = String::from_utf8_lossy(sha).to_ascii_lowercase();
        Reply::Integer(i64::from(scripts.holds(&sha)))
    };
    Ok(Reply::Array(words[2..].iter().map(there).collect()))
}

fn script_flush(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if !may_flush(words) {
        return Err(Failure::text("SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    context.instance.scripts.flush();
    Ok(Reply::OK)
}

/// There is no debugger here that could be switched on.
fn script_debug(_: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    match words[2].eq_ignore_ascii_case(b"no") {
        true => Ok(Reply::OK),
        false => Err(Failure::text("Use SCRIPT DEBUG YES/SYNC/NO")),
    }
}

/// Nothing ever runs when this could be asked for.
fn script_kill(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Err(Failure::Other(b"NOTBUSY No scripts in execution right now.".to_vec()))
}

/// There are no functions to flush.
fn function_flush(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    if !may_flush(words) {
        return Err(Failure::text("FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    context.changed();
    Ok(Reply::OK)
}

fn function_list(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Array(Vec::new()))
}

fn may_flush(words: &[Vec<u8>]) -> bool {
    match &words[2..] {
        [] => true,
        [how] => how.eq_ignore_ascii_case(b"sync") || how.eq_ignore_ascii_case(b"async"),
        _ => false,
    }
}

fn script_help(_: &mut Context<'_>, _: &[Vec<u8>]) -> Result<Reply, Failure> {
    Ok(Reply::Array(SCRIPT_HELP.iter().map(|line| Reply::Simple(line)).collect()))
}

/// What `SCRIPT HELP` of Redis 7.0 answers.
const SCRIPT_HELP: [&str; 17] = [
    "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DEBUG (YES|SYNC|NO)",
    "    Set the debug mode for subsequent scripts executed.",
    "EXISTS <sha1> [<sha1> ...]",
    "    Return information about the existence of the scripts in the script cache.",
    "FLUSH [ASYNC|SYNC]",
    "    Flush the Lua scripts cache. Very dangerous on replicas.",
    "    When called without the optional mode argument, the behavior is determined by the",
    "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
    "    * ASYNC: Asynchronously flush the scripts cache.",
    "    * SYNC: Synchronously flush the scripts cache.",
    "KILL",
    "    Kill the currently executing Lua script.",
    "LOAD <script>",
    "    Load a script into the scripts cache without executing it.",
    "HELP",
    "    Prints this help.",
];
