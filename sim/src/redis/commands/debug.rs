//! `DEBUG`: what tests ask of a server and nobody else should.

use super::flags::{ADMIN, LOADING, NO_SCRIPT, STALE};
use super::keys::there::encoding_of;
use super::{Command, Context, Failure, Keys, Reply, command, up_to_zero};
use crate::redis::number::double;

pub(super) const TABLE: &[Command] =
    &[command("debug", -2, ADMIN | NO_SCRIPT | LOADING | STALE, Keys::None, debug)];

fn debug(context: &mut Context<'_>, words: &[Vec<u8>]) -> Result<Reply, Failure> {
    match (words[1].to_ascii_lowercase().as_slice(), &words[2..]) {
        (b"sleep", [span]) => {
            let seconds = std::str::from_utf8(span).ok().and_then(double).unwrap_or(0.0);
            Ok(context.sleep((seconds * 1000.0) as i64, words))
        }
        (b"set-active-expire", [switch]) => {
            context.instance.expires_actively = switch != b"0";
            Ok(Reply::OK)
        }
        (b"change-repl-id", []) => {
            context.instance.replication.change_id();
            Ok(Reply::OK)
        }
        (b"object", [key, ..]) => object(context, key),
        (b"quicklist-packed-threshold", [_]) => Ok(Reply::OK),
        _ => {
            let text = b"unknown subcommand or wrong number of arguments for '";
            let name = up_to_zero(&words[1]);
            Err(Failure::text([&text[..], name, b"'. Try DEBUG HELP."].concat()))
        }
    }
}

/// Where values lie, and how long they would be in a snapshot, is not known.
fn object(context: &mut Context<'_>, key: &[u8]) -> Result<Reply, Failure> {
    let value = context.db().look(key).ok_or_else(|| Failure::text("no such key"))?;
    let encoding = encoding_of(value);
    let text = format!(
        "Value at:0x0 refcount:1 encoding:{encoding} serializedlength:0 lru:0 lru_seconds_idle:0"
    );
    Ok(Reply::Status(text.into_bytes()))
}
