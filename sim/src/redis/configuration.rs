//! A server's configuration file: settings that it begins with, and what `CONFIG REWRITE` left.
//!
//! What was rewritten goes before what the server is started with, the role among it.

use std::io;

use im::env::{Addr, Env};

use super::instance::Instance;
use super::persistence::{Fsync, Persistence};
use super::record::Record;
use super::replication::Settings;
use super::server::{Options, Server};

/// What the file is called.
const NAME: &str = "redis.conf";

impl<E: Env> Server<E> {
    /// Reads the file, if there is one, and takes the settings and the role. Fails when the disk does,
    /// and on a setting that cannot be.
    pub(crate) async fn configure(&self, options: &Options) -> io::Result<()> {
        let mut text = None;
        if options.config_file {
            let (record, known) = Record::open(self.env.clone(), NAME).await?;
            *self.config_file.borrow_mut() = Some(record);
            text = known;
        }
        let mut instance = self.instance.borrow_mut();
        instance.set_time(self.now_ms());
        instance.has_config_file = options.config_file;
        instance.replication.seed(self.env.rand_u64());
        instance.begin_with(options);
        let given = options.settings.iter().map(|(name, value)| (name.clone(), value.clone()));
        let kept = text.as_deref().unwrap_or_default().lines().filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let (roles, settings): (Vec<_>, Vec<_>) =
            given.chain(kept).partition(|(name, _)| name == "replicaof");
        for (name, value) in settings {
            instance.set_at_start(&name, &value)?;
        }
        let named = |(_, place): &(String, String)| {
            let (host, port) = place.split_once(' ')?;
            Some((host.to_owned(), port.parse().ok()?))
        };
        let master = match (&text, options.master) {
            (Some(_), _) => roles.last().and_then(named),
            (None, Some(Addr { node, port })) => Some((options.names.ip(node).to_string(), port)),
            (None, None) => None,
        };
        if let Some((host, port)) = master {
            instance.follow(host, port);
        }
        Ok(())
    }

    /// Makes durable what was rewritten. As in Redis, everybody waits for it. A disk that fails
    /// leaves the file as it was.
    pub(crate) async fn keep_configuration(&self) {
        let rewritten = self.instance.borrow_mut().rewritten.take();
        let Some(text) = rewritten else { return };
        let Some(mut record) = self.config_file.take() else { return };
        self.durability.close();
        let _ = record.keep(&text).await;
        self.config_file.replace(Some(record));
        self.durability.open();
    }
}

impl Instance {
    /// Settings of which the options say what they are.
    fn begin_with(&mut self, options: &Options) {
        self.replication.settings = options.replication.clone();
        let Settings { diskless_delay_s, replicas_min, lag_max_s, .. } = options.replication;
        let Settings { ping_every_s, timeout_s, serve_stale, .. } = options.replication;
        let switch = |yes| if yes { "yes" } else { "no" }.to_owned();
        let (appends, fsync) = match options.persistence {
            Persistence::None => (false, Fsync::EverySecond),
            Persistence::AppendOnly(fsync) => (true, fsync),
        };
        let fsync = match fsync {
            Fsync::Always => "always",
            Fsync::EverySecond => "everysec",
            Fsync::Never => "no",
        };
        for (name, value) in [
            ("port", options.port.to_string()),
            ("appendonly", switch(appends)),
            ("appendfsync", fsync.to_owned()),
            ("repl-diskless-sync-delay", diskless_delay_s.to_string()),
            ("min-replicas-to-write", replicas_min.to_string()),
            ("min-replicas-max-lag", lag_max_s.to_string()),
            ("repl-ping-replica-period", ping_every_s.to_string()),
            ("repl-timeout", timeout_s.to_string()),
            ("replica-serve-stale-data", switch(serve_stale)),
        ] {
            self.config.begin_with(name, value);
        }
    }

    fn set_at_start(&mut self, name: &str, value: &str) -> io::Result<()> {
        let set = self.config.set(name.as_bytes(), value.as_bytes());
        let invalid = |why| io::Error::new(io::ErrorKind::InvalidInput, format!("{name}: {why}"));
        set.map_err(invalid)?;
        self.configured(super::instance::config::name_of(name.as_bytes()).expect("it was set"));
        Ok(())
    }

    /// What `CONFIG REWRITE` writes: the role, and what is set otherwise than at first.
    pub(crate) fn rewrite_configuration(&mut self) {
        let mut text = String::new();
        if let Some(master) = &self.replication.master {
            text += &format!("replicaof {} {}\n", master.host, master.port);
        }
        for (name, value) in self.config.changed() {
            text += &format!("{name} {}\n", String::from_utf8_lossy(value));
        }
        self.rewritten = Some(text);
    }
}
