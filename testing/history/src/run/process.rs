//! One replica of a service: a real process that is killed, stopped and started again at the same address.

use std::{
    fs::{File, OpenOptions},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use anyhow::{Result, ensure};
use rand::Rng;
use reqwest::Client;
use tokio::time::{Instant, sleep};

use super::stores::signal;

const STARTS_WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Process {
    pub name: String,
    pub base: String,
    program: PathBuf,
    environment: Vec<(String, String)>,
    log: PathBuf,
    child: Mutex<Option<Child>>,
}

impl Process {
    /// Starts a program and waits until it answers. Its output goes to a file in `logs`.
    pub(crate) async fn start(
        name: &str,
        program: PathBuf,
        mut environment: Vec<(String, String)>,
        logs: &std::path::Path,
    ) -> Result<Self> {
        // It is found at the same address again after a restart.
        let addr = format!("127.0.0.1:{}", free_port());
        environment.push(("SERVER_ADDR".to_owned(), addr.clone()));
        environment.push(("SERVER_MODE".to_owned(), "release".to_owned()));
        let this = Self {
            name: name.to_owned(),
            base: format!("http://{addr}"),
            program,
            environment,
            log: logs.join(name),
            child: Mutex::default(),
        };
        this.spawn()?;
        this.wait_until_it_answers().await?;
        Ok(this)
    }

    fn spawn(&self) -> Result<()> {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command.env_clear().envs(self.environment.iter().cloned()).stdin(Stdio::null());
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        *self.child.lock().expect("no panic") = Some(child);
        Ok(())
    }

    async fn wait_until_it_answers(&self) -> Result<()> {
        let (client, deadline) = (Client::new(), Instant::now() + STARTS_WITHIN);
        let answers = async || {
            let request = client.get(format!("{}/livez", self.base)).timeout(Duration::from_secs(1));
            request.send().await.is_ok_and(|answer| answer.status().is_success())
        };
        while !answers().await {
            ensure!(Instant::now() < deadline, "{} does not answer, see {}", self.name, self.log.display());
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    pub(crate) async fn kill_and_restart(&self, pause: Duration) -> Result<()> {
        self.kill();
        sleep(pause).await;
        self.spawn()?;
        self.wait_until_it_answers().await
    }

    pub(crate) async fn stop_for(&self, pause: Duration) -> Result<()> {
        let process: Vec<u32> = self.child.lock().expect("no panic").iter().map(Child::id).collect();
        signal("STOP", &process)?;
        sleep(pause).await;
        signal("CONT", &process)
    }

    fn kill(&self) {
        if let Some(mut child) = self.child.lock().expect("no panic").take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Not among those that the kernel gives to clients, nor those of `dev/stores`: nobody takes it while its replica is away.
const PORTS: std::ops::Range<u16> = 12_000..20_000;

fn free_port() -> u16 {
    loop {
        let port = rand::rng().random_range(PORTS);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
