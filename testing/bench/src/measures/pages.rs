//! Measures of the event page: small and large, whole, unchanged and compressed. The cache is warm, and no seat changes.

use anyhow::{Result, ensure};

use super::{Measure, Run, Setup, step};
use crate::wire::{Expected, http};

/// The measures of one page.
struct Page<'p> {
    name: &'static str,
    path: &'p str,
    whole: Measure,
    not_modified: Measure,
    gzip: Measure,
}

pub(crate) async fn measure(setup: &Setup<'_>, run: &mut Run) -> Result<()> {
    let pages = [
        Page {
            name: "event page, 20 seats",
            path: &setup.shop.small.path,
            whole: Measure::SmallPage,
            not_modified: Measure::SmallPageNotModified,
            gzip: Measure::SmallPageGzip,
        },
        Page {
            name: "event page, 2,000 seats",
            path: &setup.shop.large.path,
            whole: Measure::LargePage,
            not_modified: Measure::LargePageNotModified,
            gzip: Measure::LargePageGzip,
        },
    ];
    for page in &pages {
        step(page.name);
        whole(setup, run, page).await?;
        not_modified(setup, run, page).await?;
        gzip(setup, run, page).await?;
    }
    Ok(())
}

async fn whole(setup: &Setup<'_>, run: &mut Run, page: &Page<'_>) -> Result<()> {
    let request = http::get(page.path, "");
    let answer = http::fetch(setup.management.addr, &request).await?;
    for state in ["available", "reserved", "booked"] {
        let written = format!(r#""status":"{state}""#);
        ensure!(answer.body.windows(written.len()).any(|part| part == written.as_bytes()), "no seat is {state}");
    }
    run.page_bytes.insert(page.whole, answer.body.len());
    closed(setup, run, page.whole, 200, &request).await?;
    let possible = run.throughput[&page.whole].per_second;
    let latency = setup.open_loop(setup.management.addr, possible).run(Expected::Status(200), always(&request));
    run.latency.insert(page.whole, latency.await?);
    Ok(())
}

async fn not_modified(setup: &Setup<'_>, run: &mut Run, page: &Page<'_>) -> Result<()> {
    let answer = http::fetch(setup.management.addr, &http::get(page.path, "")).await?;
    let Some(etag) = answer.header("etag") else {
        run.skipped.insert(page.not_modified, "the page has no ETag");
        return Ok(());
    };
    let request = http::get(page.path, &format!("if-none-match: {etag}\r\n"));
    closed(setup, run, page.not_modified, 304, &request).await
}

async fn gzip(setup: &Setup<'_>, run: &mut Run, page: &Page<'_>) -> Result<()> {
    let request = http::get(page.path, "accept-encoding: gzip\r\n");
    let answer = http::fetch(setup.management.addr, &request).await?;
    if answer.header("content-encoding") != Some("gzip") {
        run.skipped.insert(page.gzip, "the page is not compressed");
        return Ok(());
    }
    run.page_bytes.insert(page.gzip, answer.body.len());
    closed(setup, run, page.gzip, 200, &request).await
}

async fn closed(setup: &Setup<'_>, run: &mut Run, measure: Measure, status: u16, request: &[u8]) -> Result<()> {
    let watched = setup.watch(&setup.management)?;
    let throughput =
        setup.closed(setup.management.addr).run(Expected::Status(status), &watched, always(request)).await?;
    run.throughput.insert(measure, throughput);
    Ok(())
}

fn always(written: &[u8]) -> impl FnMut(&mut Vec<u8>) -> bool {
    move |request| {
        request.extend_from_slice(written);
        true
    }
}
