//! The ports of one instance: chosen once and kept, so that its addresses stay the same.

use std::{collections::BTreeMap, fs, ops::Range, path::Path};

use anyhow::{Context, Result};

use super::{Store, folders::Folders};
use crate::ports::{free_port, is_free};

/// The instance that gets the usual ports where they are free.
const DEVELOPMENT: &str = "dev";
/// Below the range from which the kernel gives ports to clients, so that no client sits on a store's port later.
const RANGE: Range<u16> = 20_000..32_000;

/// Name → the port at which everybody expects such a store.
const USUAL: [(&str, u16); 7] = [
    ("postgres_port", 5432),
    ("redis_port", 6379),
    ("kafka_port", 9092),
    ("kafka_controller_port", 9093),
    ("connect_port", 8083),
    ("elasticsearch_port", 9200),
    ("elasticsearch_transport_port", 9300),
];

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ports(BTreeMap<String, u16>);

impl Ports {
    /// The ports that were chosen before; none for an instance that was never started.
    pub(super) fn read(folders: &Folders) -> Result<Self> {
        match fs::read_to_string(folders.ports()) {
            Ok(text) => Self::parse(&text).with_context(|| format!("{} is damaged", folders.ports().display())),
            Err(_) => Ok(Self::default()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let pairs = text.lines().map(|line| {
            let (name, port) = line.split_once('=')?;
            Some((name.to_owned(), port.parse().ok()?))
        });
        pairs.collect::<Option<_>>().map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, name: &str) -> Result<u16> {
        self.0.get(name).copied().with_context(|| format!("no {name} was chosen"))
    }

    /// Makes the instance's ports ready for the start of a store. Every store gets its ports now, so that settings name all of
    /// them; a port of this store that somebody else has taken meanwhile is replaced.
    pub(super) fn choose(&mut self, store: Store, instance: &str, folders: &Folders) -> Result<()> {
        for (name, usual) in USUAL {
            let kept = self.0.get(name).copied();
            if kept.is_some_and(|port| !name.starts_with(&format!("{store}_")) || is_free(port)) {
                continue;
            }
            let port = if instance == DEVELOPMENT && is_free(usual) { usual } else { self.other_port(folders) };
            if instance == DEVELOPMENT && port != usual {
                eprintln!("port {usual} is taken: {name} is {port}");
            }
            self.0.insert(name.to_owned(), port);
        }
        let lines: Vec<String> = self.0.iter().map(|(name, port)| format!("{name}={port}\n")).collect();
        Ok(fs::write(folders.ports(), lines.concat())?)
    }

    /// A free port that no instance, this one included, has chosen.
    fn other_port(&self, folders: &Folders) -> u16 {
        loop {
            let port = free_port(RANGE);
            if !self.0.values().any(|chosen| *chosen == port) && !is_chosen(port, &folders.state) {
                return port;
            }
        }
    }
}

/// Whether an instance that may be down keeps this port.
fn is_chosen(port: u16, state: &Path) -> bool {
    let instances = fs::read_dir(state).into_iter().flatten().flatten();
    let files = instances.filter_map(|instance| fs::read_to_string(instance.path().join("ports")).ok());
    files.filter_map(|text| Ports::parse(&text)).any(|ports| ports.0.values().any(|chosen| *chosen == port))
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, path::PathBuf};

    use super::*;

    /// Folders of an instance that is never started.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("testbed-ports-{}", uuid::Uuid::new_v4())))
        }

        fn folders(&self, name: &str) -> Folders {
            let folders = Folders::in_state(name, self.0.clone(), PathBuf::new());
            fs::create_dir_all(&folders.instance).expect("a folder");
            folders
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn ports_are_chosen_for_all_stores_at_once_and_kept() {
        let scratch = Scratch::new();
        let folders = scratch.folders("a");
        let mut ports = Ports::default();
        ports.choose(Store::Redis, "a", &folders).expect("chosen");
        assert_eq!(ports.0.len(), USUAL.len());
        assert_eq!(Ports::read(&folders).expect("read"), ports);
        let kept = ports.0.clone();
        ports.choose(Store::Kafka, "a", &folders).expect("chosen");
        assert_eq!(ports.0, kept);
    }

    #[test]
    fn a_port_that_somebody_took_is_replaced_when_its_store_starts_and_not_before() {
        let scratch = Scratch::new();
        let folders = scratch.folders("a");
        let mut ports = Ports::default();
        ports.choose(Store::Redis, "a", &folders).expect("chosen");
        let redis = ports.of("redis_port").expect("a port");
        let _somebody = TcpListener::bind(("127.0.0.1", redis)).expect("taken");
        ports.choose(Store::Postgres, "a", &folders).expect("chosen");
        assert_eq!(ports.of("redis_port").expect("a port"), redis);
        ports.choose(Store::Redis, "a", &folders).expect("chosen");
        assert_ne!(ports.of("redis_port").expect("a port"), redis);
    }

    #[test]
    fn a_port_that_another_instance_keeps_is_not_given_though_the_instance_is_down() {
        let scratch = Scratch::new();
        let (here, there) = (scratch.folders("a"), scratch.folders("b"));
        fs::write(there.ports(), "redis_port=31999\n").expect("written");
        assert!(is_chosen(31_999, &here.state));
        assert!(!is_chosen(31_998, &here.state));
    }
}
