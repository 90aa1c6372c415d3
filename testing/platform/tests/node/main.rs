//! The platform on a real node, from installation to deletion, as its users see it.
//!
//! The scenarios share one platform and run in the order given here: each starts from the state that the one before left.
//! `dev/test` starts the node, the stores and the operator, and names them in the environment.

#![expect(clippy::expect_used, reason = "a test's broken set-up or expectation ends it")]

mod cluster;
mod platform;
mod scenarios;
mod stores;
mod witness;

use libtest_mimic::{Arguments, Failed, Trial};

use platform::Platform;

type Scenario = fn(&Platform) -> futures::future::LocalBoxFuture<'_, anyhow::Result<()>>;

macro_rules! scenarios {
    ($($module:ident::$name:ident),* $(,)?) => {
        [$((stringify!($name), (|platform| Box::pin(scenarios::$module::$name(platform))) as Scenario)),*]
    };
}

fn main() {
    // Dependencies link two TLS libraries, and rustls does not choose between them.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    // The scenarios run one after the other, in this order.
    arguments.test_threads = Some(1);
    let scenarios = scenarios![
        install::no_service_starts_before_its_gates_are_passed,
        install::a_customer_buys_a_ticket_through_the_published_ports,
        install::the_alias_points_to_the_index_of_the_version,
        examples::every_example_is_accepted,
        examples::moving_a_store_is_refused_with_the_fields_name,
        steady::a_second_reconcile_of_an_unchanged_resource_changes_no_object,
        steady::a_deleted_deployment_is_back_within_seconds,
        upgrade::no_service_of_the_next_version_starts_before_its_gates_are_passed,
        upgrade::contracting_migrations_run_after_the_roll,
        broken::a_broken_migration_leaves_the_old_version_serving_and_says_why,
        broken::setting_the_version_back_recovers,
        broken::setting_the_version_forward_to_a_corrected_one_recovers,
        delete::deleting_removes_the_change_feed_and_keeps_index_and_data,
        delete::applying_again_after_a_delete_works,
    ];
    let trials = scenarios.into_iter().map(|(name, scenario)| Trial::test(name, move || run(scenario))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn run(scenario: Scenario) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime
        .block_on(async {
            let platform = Platform::from_environment().await?;
            scenario(&platform).await
        })
        .map_err(|error: anyhow::Error| Failed::from(format!("{error:?}")))
}
