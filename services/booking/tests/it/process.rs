//! The real program as a process that can be killed or stopped.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::service::Stores;

pub(crate) struct Process {
    pub base: String,
    child: Child,
}

impl Process {
    /// Starts the program and waits until it listens.
    pub(crate) fn start(stores: &Stores) -> Self {
        Self::start_with(stores, Vec::new())
    }

    /// The same, with settings in which some are others.
    pub(crate) fn start_with(stores: &Stores, others: Vec<(String, String)>) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_booking"))
            .env_clear()
            .envs(stores.environment())
            .envs(others)
            .env("SERVER_ADDR", "127.0.0.1:0")
            .env("SERVER_MODE", "release")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let addr = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok())
            .find_map(|entry| (entry["message"] == "listening").then(|| entry["addr"].as_str().map(str::to_owned))?)
            .expect("the program says where it listens");
        // Whatever else it says is read away, so that it never waits for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { base: format!("http://{addr}"), child }
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    pub(crate) fn stop(&self) {
        self.signal("STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
