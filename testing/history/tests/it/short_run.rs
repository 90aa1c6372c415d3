//! A short run with every fault, on stores that belong to this test.

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
    min_purchases: 500,
    rounds: 1,
    longest_fault: Duration::from_millis(700),
    time_limit: Duration::from_secs(120),
    bystander_rounds: 0,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_platform_keeps_its_promises_while_faults_are_injected() {
    let programs = Programs::beside_this().expect("the services' programs");
    let recorded = run::run(&PLAN, &programs).await.expect("a run");
    println!("{}", recorded.tally);

    let violations = check(&recorded.history);
    assert!(violations.is_empty(), "logs: {}\n{violations:#?}", recorded.logs.display());
    std::fs::remove_dir_all(&recorded.logs).expect("the logs can be removed");

    assert!(recorded.tally.taken_over > 0, "no expired hold was taken over, so the run proves too little");
    assert_eq!(recorded.tally.faults.len(), 15, "{:?}", recorded.tally.faults);
    // The checker reads this very history: a sale that is given to another customer is reported.
    let mut changed = recorded.history;
    let sold = changed
        .operations
        .iter_mut()
        .find(|operation| operation.call == Call::Confirm && operation.outcome == Outcome::Ok);
    sold.expect("a sale").customer = "somebody else".to_owned();
    assert!(check(&changed).iter().any(|violation| violation.rule == Rule::SaleLost));
}
