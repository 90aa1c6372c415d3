//! The event page: small and large, whole, unchanged, and compressed. Warm: nothing changes meanwhile.

use anyhow::{Result, ensure};

use super::{Measure, Run, Setting, step};
use crate::wire::{Expected, http};

/// The measures of one page.
struct Page<'p> {
    name: &'static str,
    path: &'p str,
    whole: Measure,
    not_modified: Measure,
    gzip: Measure,
}

pub(crate) async fn measure(setting: &Setting<'_>, run: &mut Run) -> Result<()> {
    let pages = [
        Page {
            name: "event page, 20 seats",
            path: &setting.shop.small.path,
            whole: Measure::SmallPage,
            not_modified: Measure::SmallPageNotModified,
            gzip: Measure::SmallPageGzip,
        },
        Page {
            name: "event page, 2,000 seats",
            path: &setting.shop.large.path,
            whole: Measure::LargePage,
            not_modified: Measure::LargePageNotModified,
            gzip: Measure::LargePageGzip,
        },
    ];
    for page in &pages {
        step(page.name);
        whole(setting, run, page).await?;
        not_modified(setting, run, page).await?;
        gzip(setting, run, page).await?;
    }
    Ok(())
}

async fn whole(setting: &Setting<'_>, run: &mut Run, page: &Page<'_>) -> Result<()> {
    let request = http::get(page.path, "");
    let answer = http::fetch(setting.management.addr, &request).await?;
    for state in ["available", "reserved", "booked"] {
        let written = format!(r#""status":"{state}""#);
        ensure!(answer.body.windows(written.len()).any(|part| part == written.as_bytes()), "no seat is {state}");
    }
    run.page_bytes.insert(page.whole, answer.body.len());
    closed(setting, run, page.whole, 200, &request).await?;
    let possible = run.throughput[&page.whole].per_second;
    let latency = setting.open_loop(setting.management.addr, possible).run(Expected::Status(200), always(&request));
    run.latency.insert(page.whole, latency.await?);
    Ok(())
}

async fn not_modified(setting: &Setting<'_>, run: &mut Run, page: &Page<'_>) -> Result<()> {
    let answer = http::fetch(setting.management.addr, &http::get(page.path, "")).await?;
    let Some(etag) = answer.header("etag") else {
        run.skipped.insert(page.not_modified, "the page has no ETag");
        return Ok(());
    };
    let request = http::get(page.path, &format!("if-none-match: {etag}\r\n"));
    closed(setting, run, page.not_modified, 304, &request).await
}

async fn gzip(setting: &Setting<'_>, run: &mut Run, page: &Page<'_>) -> Result<()> {
    let request = http::get(page.path, "accept-encoding: gzip\r\n");
    let answer = http::fetch(setting.management.addr, &request).await?;
    if answer.header("content-encoding") != Some("gzip") {
        run.skipped.insert(page.gzip, "the page is not compressed");
        return Ok(());
    }
    run.page_bytes.insert(page.gzip, answer.body.len());
    closed(setting, run, page.gzip, 200, &request).await
}

async fn closed(setting: &Setting<'_>, run: &mut Run, measure: Measure, status: u16, request: &[u8]) -> Result<()> {
    let watched = setting.watch(&setting.management);
    let throughput =
        setting.closed(setting.management.addr).run(Expected::Status(status), &watched, always(request)).await?;
    run.throughput.insert(measure, throughput);
    Ok(())
}

fn always(written: &[u8]) -> impl FnMut(&mut Vec<u8>) -> bool {
    move |request| {
        request.extend_from_slice(written);
        true
    }
}
