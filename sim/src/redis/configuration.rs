//! A server's configuration: what it is started with, and what `CONFIG REWRITE` left, which goes
//! before that.

use std::io;

use im::env::{Addr, Env};
use serde::{Deserialize, Serialize};

use super::instance::{ConfigFile, Instance};
use super::persistence::{Fsync, Persistence};
use super::replication::Settings;
use super::server::{Options, Server};

/// The configuration file, which is two that take turns.
pub(super) const FILES: [&str; 2] = ["redis.conf.0", "redis.conf.1"];

/// What the configuration file says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Rewritten {
    /// Host and port of the master, if it is a replica.
    replicaof: Option<(String, u16)>,
    /// What was set since the start, by the names of `CONFIG`.
    settings: Vec<(String, String)>,
}

impl<E: Env> Server<E> {
    /// Takes settings and role. Fails on a setting that cannot be.
    pub(crate) fn configure(
        &self,
        options: &Options,
        rewritten: Option<Rewritten>,
    ) -> io::Result<()> {
        let mut instance = self.instance.borrow_mut();
        instance.set_time(self.now_ms());
        instance.config_file = Some(ConfigFile::default());
        instance.replication.seed(self.env.rand_u64());
        instance.begin_with(options);
        let master = match &rewritten {
            Some(rewritten) => rewritten.replicaof.clone(),
            None => options.master.map(|Addr { node, port }| {
                let host = options.names.ip(node).to_string();
                (host, port)
            }),
        };
        let kept = rewritten.iter().flat_map(|rewritten| &rewritten.settings);
        for (name, value) in options.settings.iter().chain(kept) {
            instance.set_at_start(name, value)?;
        }
        if let Some((host, port)) = master {
            instance.follow(host, port);
        }
        Ok(())
    }

    /// Rewrites the configuration file if that was asked for. What cannot be written is not.
    pub(crate) async fn rewrite_configuration(&self) {
        let asked = |file: &mut ConfigFile| std::mem::take(&mut file.asked);
        if !self.instance.borrow_mut().config_file.as_mut().is_some_and(asked) {
            return;
        }
        let mut file = self.config_file.lock().await;
        let rewritten = self.instance.borrow().configuration();
        // As it did before, it starts with what the file says; here nobody reads the log.
        let _ = file.keep(&rewritten).await;
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
        let name = set.map_err(invalid)?;
        self.configured(name);
        Ok(())
    }

    /// What `CONFIG REWRITE` writes.
    fn configuration(&self) -> Rewritten {
        let master = self.replication.master.as_ref();
        let text = |value| String::from_utf8_lossy(value).into_owned();
        let settings = self.config.changed().map(|(name, value)| (name.to_owned(), text(value)));
        Rewritten {
            replicaof: master.map(|master| (master.host.clone(), master.port)),
            settings: settings.collect(),
        }
    }
}
