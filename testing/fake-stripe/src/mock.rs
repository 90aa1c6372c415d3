//! Stripe's own `stripe-mock`: it knows the shape of every call and every answer, and nothing of what becomes of them.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

/// What the program says before its address.
const LISTENING: &str = "Listening for HTTP at address: ";

/// A running `stripe-mock`, which ends with its owner.
pub struct StripeMock {
    url: String,
    process: Child,
    /// A program whose output nobody can read any more would be ended by its next line.
    _output: BufReader<ChildStdout>,
}

impl StripeMock {
    /// Starts the program that `TEST_STRIPE_MOCK` names, on a port of its own.
    ///
    /// # Panics
    /// When it is not set, or the program does not start.
    #[must_use]
    pub fn start() -> Self {
        let program = std::env::var("TEST_STRIPE_MOCK")
            .expect("TEST_STRIPE_MOCK is not set: run `make test`, or `export TEST_STRIPE_MOCK=$(dev/stripe-mock)`");
        let mut process = Command::new(program)
            // Without an address for HTTPS it would take a port that is always the same.
            .args(["-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("stripe-mock starts");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let addr = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| Some(line.strip_prefix(LISTENING)?.to_owned()));
        let url = format!("http://{}", addr.expect("stripe-mock says where it listens"));
        Self { url, process, _output: output }
    }

    /// Where its API is.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.url
    }
}

impl Drop for StripeMock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
