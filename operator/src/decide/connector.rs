//! Gate 3: the publication and the connector are what the release needs, and the connector's task runs.

use std::collections::BTreeMap;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::SignedDuration};

use super::{
    Input,
    gate::{ConditionDraft, DRIFT_LOOK, Gate, SOON, StepMaker, UNREACHABLE_LOOK, clock},
    step::{Action, GateKind, Step},
};
use crate::{
    api::{ConditionType, ConnectorState, ConnectorStatus, Reason},
    failures::pause,
    hash,
    observed::{ConnectorView, Fact},
    resources::{Target, connector},
};

const CONDITION: ConditionType = ConditionType::ConnectorReady;

/// After this many restarts in a row the platform is reported as stalled. The restarts continue, with pauses of up to
/// five minutes.
const RESTARTS_BEFORE_HELP: u32 = 5;
/// A connector that runs this long after its last restart counts as recovered.
const RECOVERED_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Decides about the publication and the connector of a target.
pub(crate) fn decide(input: &Input<'_>, target: &Target) -> (Gate, ConnectorStatus) {
    let recorded = input.status.connector.clone();
    let secret = &target.spec.postgres.change_feed.secret.name;
    let Some(username) = input.username(secret) else { return (input.secret_gate(secret, CONDITION), recorded) };
    let config = connector::build(input.platform, target, username);
    let key = key(&config, target);
    let was_passed = recorded.passed_for.as_ref() == Some(&key);
    let maker = StepMaker { input, gate: GateKind::Connector, content: &target.release.job_key };

    let view = match &input.observed.connect {
        Fact::Known(view) => view,
        Fact::Unknown(why) => return (unreachable(Reason::ConnectUnreachable, why, was_passed), recorded),
    };
    let mut steps = match publication_steps(input, target, &maker) {
        Ok(steps) => steps,
        Err(_) if was_passed => Vec::new(),
        Err(why) => return (unreachable(Reason::PostgresUnreachable, &why, was_passed), recorded),
    };
    match &view.connector {
        Some(found) if found.config == config && steps.is_empty() => {
            let (gate, status) = health(input, target, found, was_passed, &maker);
            let passed_for = if gate.is_passed { Some(key) } else { status.passed_for };
            (gate, ConnectorStatus { passed_for, ..status })
        }
        found => {
            let is_same = found.as_ref().is_some_and(|found| found.config == config);
            let message = format!("Configuring connector {} and its publication.", target.spec.connect.connector.name);
            if !is_same {
                steps.push(maker.step(Action::ConfigureConnector(config)));
            }
            let draft = ConditionDraft::no(CONDITION, Reason::ConnectorConfiguring, message);
            (Gate::working(draft, steps, SOON), recorded)
        }
    }
}

/// The hash of everything that the gate prepares.
fn key(config: &BTreeMap<String, String>, target: &Target) -> String {
    let state = target.spec.connect.connector.state.as_connect();
    let config = config.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    hash::of(config.chain([state]))
}

fn unreachable(reason: Reason, why: &str, was_passed: bool) -> Gate {
    let draft = ConditionDraft::unknown(CONDITION, reason, format!("{why}."));
    if was_passed {
        Gate { next_look: UNREACHABLE_LOOK, ..Gate::passed(draft) }
    } else {
        Gate::working(draft, Vec::new(), UNREACHABLE_LOOK)
    }
}

/// The steps that the publication needs. The error says why PostgreSQL cannot be asked.
fn publication_steps(input: &Input<'_>, target: &Target, maker: &StepMaker<'_>) -> Result<Vec<Step>, String> {
    let view = match &input.observed.postgres {
        Fact::Known(view) => view,
        Fact::Unknown(why) => return Err(why.clone()),
    };
    let tables = connector::tables(target);
    let is_right = view.publication.as_ref().is_some_and(|found| found.iter().eq(&tables));
    if is_right {
        return Ok(Vec::new());
    }
    Ok(vec![maker.step(Action::SetPublication { tables, exists: view.publication.is_some() })])
}

fn health(
    input: &Input<'_>,
    target: &Target,
    found: &ConnectorView,
    was_passed: bool,
    maker: &StepMaker<'_>,
) -> (Gate, ConnectorStatus) {
    if let Some(trouble) = trouble(found) {
        return restart(input, &target.spec.connect.connector.name, &trouble, was_passed, maker);
    }
    let gate = state(target, found, was_passed, maker);
    let has_recovered = gate.condition.reason == Reason::ConnectorRunning && ran_for_a_while(input);
    let recorded = input.status.connector.clone();
    let status =
        if has_recovered { ConnectorStatus { restarts: 0, last_restart_time: None, ..recorded } } else { recorded };
    (gate, status)
}

/// Compares the state of a connector that has not failed with the wanted one.
fn state(target: &Target, found: &ConnectorView, was_passed: bool, maker: &StepMaker<'_>) -> Gate {
    let name = &target.spec.connect.connector.name;
    let wanted = target.spec.connect.connector.state;
    if found.state != wanted.as_connect() {
        if found.state == "UNASSIGNED" || found.state == "RESTARTING" || found.state.is_empty() {
            return starting(name, found, was_passed);
        }
        let verb = match wanted {
            ConnectorState::Running => "resume",
            ConnectorState::Paused => "pause",
            ConnectorState::Stopped => "stop",
        };
        let message = format!("Connector {name} is {}. The operator asks it to {verb}.", found.state);
        let steps = vec![maker.step(Action::SetConnectorState(verb))];
        return Gate {
            is_passed: was_passed,
            ..Gate::working(ConditionDraft::no(CONDITION, Reason::ConnectorStarting, message), steps, SOON)
        };
    }
    match wanted {
        ConnectorState::Running => {
            let runs = !found.tasks.is_empty() && found.tasks.iter().all(|task| task.state == "RUNNING");
            if !runs {
                return starting(name, found, was_passed);
            }
            let feed = connector::tables(target).join(", ");
            Gate::passed(ConditionDraft::yes(
                CONDITION,
                Reason::ConnectorRunning,
                format!("Connector {name} feeds {feed}."),
            ))
        }
        ConnectorState::Paused => as_wanted(Reason::ConnectorPaused, name, "paused"),
        ConnectorState::Stopped => as_wanted(Reason::ConnectorStopped, name, "stopped"),
    }
}

fn as_wanted(reason: Reason, name: &str, how: &str) -> Gate {
    Gate::passed(ConditionDraft::yes(CONDITION, reason, format!("Connector {name} is {how}, as the resource says.")))
}

fn starting(name: &str, found: &ConnectorView, was_passed: bool) -> Gate {
    let tasks: Vec<&str> = found.tasks.iter().map(|task| task.state.as_str()).collect();
    let tasks = if tasks.is_empty() { "no task yet".to_owned() } else { format!("task {}", tasks.join(", ")) };
    let state = if found.state.is_empty() { "being created" } else { &found.state };
    let message = format!("Connector {name} is {state}, {tasks}.");
    Gate {
        is_passed: was_passed,
        ..Gate::working(ConditionDraft::no(CONDITION, Reason::ConnectorStarting, message), Vec::new(), SOON)
    }
}

/// The first line of the reason why the connector or a task failed.
fn trouble(found: &ConnectorView) -> Option<String> {
    let failed_task = found.tasks.iter().find(|task| task.state == "FAILED");
    let trace = match failed_task {
        Some(task) => task.trace.as_deref(),
        None if found.state == "FAILED" => found.trace.as_deref(),
        None => return None,
    };
    let what = failed_task.map_or_else(|| "it".to_owned(), |task| format!("task {}", task.id));
    Some(format!("{what} failed: {}", root_cause(trace.unwrap_or("no trace given"))))
}

/// The innermost cause of a Java stack trace. The outer causes only say that a task was killed.
fn root_cause(trace: &str) -> &str {
    const CAUSE: &str = "Caused by: ";
    let from = trace.rfind(CAUSE).map_or(0, |at| at + CAUSE.len());
    trace.get(from..).and_then(|rest| rest.lines().next()).unwrap_or(trace).trim()
}

fn restart(
    input: &Input<'_>,
    name: &str,
    trouble: &str,
    was_passed: bool,
    maker: &StepMaker<'_>,
) -> (Gate, ConnectorStatus) {
    let mut status = input.status.connector.clone();
    let restarts = status.restarts;
    let due = match &status.last_restart_time {
        Some(last) => last.0 + pause(restarts + 1),
        None => input.now,
    };
    let mut steps = Vec::new();
    let outlook = if due <= input.now {
        status.restarts = restarts + 1;
        status.last_restart_time = Some(Time(input.now));
        steps.push(maker.step(Action::RestartConnector));
        format!("restarting it, attempt {}", restarts + 1)
    } else {
        format!("restart {} at {}", restarts + 1, clock(due))
    };
    let wait = if due <= input.now { SOON } else { due.duration_since(input.now).min(DRIFT_LOOK) };
    let message = format!("Connector {name}: {trouble}; {outlook}.");
    let gate = Gate {
        is_passed: was_passed,
        is_stalled: restarts >= RESTARTS_BEFORE_HELP,
        ..Gate::working(ConditionDraft::no(CONDITION, Reason::ConnectorFailed, message), steps, wait)
    };
    (gate, status)
}

fn ran_for_a_while(input: &Input<'_>) -> bool {
    let last_restart = input.status.connector.last_restart_time.as_ref();
    last_restart.is_some_and(|last| input.now.duration_since(last.0) > RECOVERED_AFTER)
}

#[cfg(test)]
mod tests {
    use super::root_cause;

    #[test]
    fn the_innermost_cause_of_a_trace_is_reported() {
        let trace = "org.apache.kafka.ConnectException: An exception occurred\n\tat x\nCaused by: java.sql.SQLException: refused\n\tat y";
        assert_eq!(root_cause(trace), "java.sql.SQLException: refused");
        assert_eq!(root_cause("plain words"), "plain words");
    }
}
