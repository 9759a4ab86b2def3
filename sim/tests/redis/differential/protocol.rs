//! Streams of bytes that are hardly the protocol.

use std::io::Write;
use std::net::Shutdown;

use imsim::redis::Instance;
use imsim::redis::reply::Reply;
use imsim::redis::request::{ProtocolError, Reader};

use super::real::Real;
use super::told;

/// Everything a connection would answer to these bytes, until it ends.
fn answers(instance: &mut Instance, bytes: &[u8]) -> Vec<u8> {
    let client = instance.connect();
    let mut reader = Reader::default();
    reader.feed(bytes);
    while !instance.is_closing(client) {
        reader.distrust(!instance.is_authenticated(client));
        match reader.next_request() {
            Ok(Some(words)) => instance.execute(client, 0, &words),
            Ok(None) => break,
            Err(ProtocolError(text)) => instance.hang_up(client, &Reply::Error(text)),
        }
    }
    let mut out = Vec::new();
    instance.take_output(client, &mut out);
    out
}

#[test]
fn streams_that_are_hardly_the_protocol_get_the_same_bytes() {
    let real = Real::start();
    let too_long = [b"*1\r\n$", [b'1'; 70_000].as_slice()].concat();
    let many = [b"*", [b'1'; 70_000].as_slice()].concat();
    let streams: &[&[u8]] = &[
        b"PING\r\n",
        b"PING\n\r\n  \r\nECHO \"a\\x41\\n\\q\"\r\n",
        b"ECHO 'it\\'s' \r\nECHO 'a\\nb'\r\nECHO x\"y z\"\r\nPING",
        b"ECHO \"open\r\nPING\r\n",
        b"ECHO \"a\"b\r\n",
        b"PING\r\n*1\r\n$4\r\nPING\r\n*0\r\n*-1\r\nPING\r\n",
        b"*x\r\nPING\r\n",
        b"*\r\n",
        b"*2147483648\r\n",
        b"*1\r\nPING\r\n",
        b"*1\r\n\r\n",
        b"*1\r\n:4\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$x\r\n",
        b"*1\r\n$536870913\r\n",
        b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
        b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        b"*1\r\n$0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: here\r\n\r\nSET k v\r\n",
        b"PING\r\nPOST / HTTP/1.1\r\n\r\nPING\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\nPING\r\n",
        b"*2\r\n$4\r\npoST\r\n$1\r\nx\r\nPING\r\n",
        b"*1\r\n$6\r\npost\0x\r\nPING\r\n",
        b"POSTS\r\nHOST :\r\nPING\r\n",
        b"\xff\xfe\r\nGET\r\n",
        &too_long,
        &many,
        &[b'a'; 70_000],
    ];
    compare(&real, &mut Instance::default(), streams);
}

#[test]
fn strangers_must_be_brief_alike() {
    let (real, mut instance) = (Real::start(), Instance::default());
    let client = instance.connect();
    let secret = ["CONFIG", "SET", "requirepass", "secret"];
    real.connect().ask(&secret);
    instance.execute(client, 0, &secret.map(|word| word.as_bytes().to_vec()));
    let long = |len: usize| {
        let head = format!("*2\r\n$4\r\nPING\r\n${len}\r\n");
        [head.as_bytes(), &b"x".repeat(len), b"\r\n"].concat()
    };
    let (fits, too_long) = (long(16_384), long(16_385));
    let streams: &[&[u8]] = &[
        b"*10\r\n$4\r\nPING\r\n",
        b"*11\r\n$4\r\nPING\r\n",
        b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*11\r\n$4\r\nPING\r\n",
        b"PING a b c d e f g h i j k l m\r\n",
        &fits,
        &too_long,
    ];
    compare(&real, &mut instance, streams);
}

/// Both must answer the same to each of these.
fn compare(real: &Real, instance: &mut Instance, streams: &[&[u8]]) {
    for stream in streams {
        let mut connection = real.connect();
        connection.stream.write_all(stream).expect("the server reads");
        connection.stream.shutdown(Shutdown::Write).expect("an open stream");
        let mut theirs = Vec::new();
        // The server may reset the stream after an error that it did not read to the end.
        drop(std::io::Read::read_to_end(&mut connection.stream, &mut theirs));
        let start = told(&stream[..stream.len().min(80)]);
        assert_eq!(told(&answers(instance, stream)), told(&theirs), "{start}");
    }
}
