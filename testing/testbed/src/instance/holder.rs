//! The process that holds a store's namespaces. Each store has pid, ipc and mount namespaces of its own, so all that it
//! starts and mounts ends with its first process.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::chown,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use super::{Store, folders::Folders, life::Life, ports::Ports};

/// The numeric user of every store, here and in the images.
const STORE_USER: u32 = 65_532;

/// The holder of a store that runs. Its file has its number and its start time, so that another process which was given
/// the same number later is never taken for it.
pub(super) fn read(folders: &Folders, store: Store) -> Option<Life> {
    let text = fs::read_to_string(folders.run(store)).ok()?;
    let (pid, started) = text.trim().split_once(' ')?;
    let life = Life { pid: pid.parse().ok()?, started: started.parse().ok()? };
    life.is_alive().then_some(life)
}

pub(super) fn forget(folders: &Folders, store: Store) {
    // There is no file when the store was never started.
    let _ = fs::remove_file(folders.run(store));
}

/// Runs the chart's start script of a store in its Debian root.
pub(super) fn launch(folders: &Folders, fetched: &Path, store: Store, ports: &Ports) -> Result<()> {
    let (data, log, run) = (folders.data(store), folders.log(store), folders.run(store));
    fs::create_dir_all(&data)?;
    fs::create_dir_all(folders.instance.join("log"))?;
    fs::create_dir_all(folders.instance.join("run"))?;
    chown(&data, Some(STORE_USER), Some(STORE_USER))?;
    keep_previous(&log)?;
    let output = File::create(&log)?;
    // In a session of its own, so that an interrupt at the terminal does not reach it. `setsid` and `unshare` replace
    // themselves by what they run, so the child is the holder.
    let mut child = Command::new("setsid")
        .args(["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--propagation", "private"])
        .arg(folders.sources().join("in-root"))
        .args([store.name().as_ref(), fetched.as_os_str(), store.root().as_ref(), folders.instance.as_os_str()])
        .arg(folders.start_script(store))
        .args(["LISTEN_ADDRESS=127.0.0.1", "ADVERTISED_HOST=127.0.0.1"])
        .args(settings(store, ports)?)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .context("setsid cannot be started")?;
    let life = Life::of(child.id()).with_context(|| format!("{store} ended at once, see {}", log.display()))?;
    fs::write(run, format!("{} {}\n", life.pid, life.started))?;
    // A child that ends stays a zombie until somebody waits for it.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// Settings of a store's start script, as `NAME=VALUE`.
fn settings(store: Store, ports: &Ports) -> Result<Vec<String>> {
    let setting = |name: &str, port: &str| ports.of(port).map(|port| format!("{name}={port}"));
    let port = setting("PORT", store.port_name())?;
    Ok(match store {
        Store::Postgres => vec![port, postgres_options()],
        Store::Redis => vec![port],
        Store::Elasticsearch => vec![port, setting("TRANSPORT_PORT", "elasticsearch_transport_port")?],
        Store::Kafka => vec![port, setting("CONTROLLER_PORT", "kafka_controller_port")?],
        Store::Connect => vec![port, format!("KAFKA_BOOTSTRAP=127.0.0.1:{}", ports.of("kafka_port")?)],
    })
}

/// PostgreSQL does not wait for the disk, unless `POSTGRES_FSYNC` is `on`, as for `make bench`: a process that is killed
/// loses nothing by it, and no data here has to survive a crash of the machine.
fn postgres_options() -> String {
    let fsync = std::env::var("POSTGRES_FSYNC").unwrap_or_else(|_| "off".to_owned());
    format!("POSTGRES_OPTIONS=-c fsync={fsync} -c full_page_writes={fsync}")
}

fn keep_previous(log: &Path) -> io::Result<()> {
    if fs::metadata(log).is_ok_and(|file| file.len() > 0) {
        fs::rename(log, log.with_extension("previous"))?;
    }
    Ok(())
}
