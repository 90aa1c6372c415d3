//! The parts that every answer of a service needs, as a program: the kit's HTTP stack around a route that does nothing, and
//! around routes that always answer with the same page.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use axum::{
    body::Bytes,
    http::{StatusCode, header},
    routing::{get, post},
};
use kit::{
    health::Health,
    http::{app, serve},
    logging,
    metrics::Metrics,
    settings::{Environment, ServerSettings},
    shutdown,
};
use tokio::net::TcpListener;
use utoipa_axum::router::OpenApiRouter;

use crate::wire::http;

/// The route that reads its body and does nothing else.
pub(crate) const NOTHING: &str = "/parts/nothing";

/// The route of a page, by its number.
pub(crate) fn page_path(number: usize) -> String {
    format!("/parts/pages/{number}")
}

/// Serves until the process gets a signal. The pages are read once from the service at `from`, under these paths.
pub(crate) async fn run(from: SocketAddr, paths: &[String]) -> Result<()> {
    let mut env = Environment::from_process();
    let settings = ServerSettings::read(&mut env, "127.0.0.1:0");
    let settings = env.finish(settings)?;
    logging::init("parts", settings.mode);
    let mut routes = OpenApiRouter::new().route(NOTHING, post(async |_: Bytes| StatusCode::OK));
    for (number, path) in paths.iter().enumerate() {
        let page = http::fetch(from, &http::get(path, "")).await?;
        ensure!(page.status == 200, "{path} answers {}", page.status);
        let page = Bytes::from(page.body);
        let answer = async move || ([(header::CONTENT_TYPE, "application/json")], page);
        routes = routes.route(&page_path(number), get(answer));
    }
    let (health, metrics) = (Health::builder().build(), Metrics::new()?);
    let app = app(routes, &settings, &health, &metrics);
    let listener = TcpListener::bind(&settings.addr).await?;
    Ok(serve(listener, &settings, app, &health, shutdown::on_signal()?).await?)
}
