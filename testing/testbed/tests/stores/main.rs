//! The promises of `dev/stores`, on an instance of its own.
//!
//! The tests share the instance and run in the order given here, because that is its life: each starts from what the one
//! before left. They need root.

#![expect(clippy::expect_used, reason = "a test's broken set-up or expectation ends it")]

mod life;
mod support;
mod traces;
mod work;

use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Failed, Trial};

use self::{support::TestInstance, traces::shared_memory_of_stores};

type Test = fn(&TestInstance) -> LocalBoxFuture<'_, anyhow::Result<()>>;

macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        [$((stringify!($name), (|instance| Box::pin($module::$name(instance))) as Test)),*]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // One after the other, in this order.
    arguments.test_threads = Some(1);
    let tests = tests![
        work::settings_name_running_stores,
        life::a_second_up_starts_nothing,
        life::two_ups_at_once_start_each_store_once,
        work::each_role_can_do_its_own_work_only,
        work::a_connector_finds_its_password_by_reference,
        life::a_killed_postgres_comes_back_with_its_data,
        life::a_killed_redis_comes_back_with_its_data,
        life::a_killed_elasticsearch_comes_back_with_its_data,
        life::a_killed_kafka_comes_back_with_its_data,
        life::a_killed_connect_comes_back_with_its_data,
        work::changes_flow_again_after_the_kills,
        life::a_paused_store_ends_when_it_is_asked_to,
        life::a_store_whose_holder_was_killed_is_cleared_up_by_the_next_up,
        traces::down_leaves_no_process_mount_or_memory,
    ];
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let instance =
        if arguments.list { None } else { Some(runtime.block_on(TestInstance::up(shared_memory_of_stores()))) };
    let instance = std::sync::Arc::new(instance);
    let trials = tests.into_iter().map(|(name, test)| {
        let (instance, handle) = (instance.clone(), runtime.handle().clone());
        Trial::test(name, move || {
            let instance = instance.as_ref().as_ref().expect("it is up unless the tests are only listed");
            handle.block_on(test(instance)).map_err(|error| Failed::from(format!("{error:?}")))
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // `exit` drops nothing, and the instance has to go.
    if let Some(Some(instance)) = std::sync::Arc::into_inner(instance) {
        runtime.block_on(instance.own.end()).expect("the instance is gone");
    }
    conclusion.exit();
}
