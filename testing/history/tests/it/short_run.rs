//! A short run of everything, on stores that this test alone kills.

use std::time::Duration;

use ::history::{
    Rule, check,
    history::{Call, Outcome},
    run::{self, Plan, Programs, Provider},
};

const PLAN: Plan = Plan {
    seed: 1,
    provider: Provider::Stripe,
    customers: 24,
    purchases: 500,
    rounds: 1,
    trouble: Duration::from_millis(700),
    at_most: Duration::from_secs(120),
    bystander_rounds: 0,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_keeps_its_promises_while_its_parts_are_struck() {
    let programs = Programs::beside_this().expect("the services' programs");
    let recorded = run::run(&PLAN, &programs).await.expect("a run");
    println!("{}", recorded.tally);

    let violations = check(&recorded.history);
    assert!(violations.is_empty(), "logs: {}\n{violations:#?}", recorded.logs.display());
    std::fs::remove_dir_all(&recorded.logs).expect("the logs can be removed");

    assert!(recorded.tally.taken_over > 0, "no hold was taken over: the run is too tame");
    assert_eq!(recorded.tally.faults.len(), 15, "{:?}", recorded.tally.faults);
    // The checker sees what happened in this very history: turned around, it is refused.
    let mut turned = recorded.history;
    let sold = turned
        .operations
        .iter_mut()
        .find(|operation| operation.call == Call::Confirm && operation.outcome == Outcome::Ok);
    sold.expect("a sale").customer = "somebody else".to_owned();
    assert!(check(&turned).iter().any(|violation| violation.rule == Rule::SaleLost));
}
