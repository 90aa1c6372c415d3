//! The report for people, which is `docs/performance.md`.

use std::fmt::Write;

use super::{JSON, Report, ceilings::Ceiling, spread::Spread};
use crate::{
    load::{Latency, Throughput},
    measures::{Measure, Run},
    plan::OPEN_LOOP_SHARE,
};

/// The measures in the order of the tables, the parts first.
const PARTS: &[(Measure, &str)] = &[
    (Measure::Nothing, "a route that does nothing (`POST`, the kit's HTTP stack)"),
    (Measure::StaticSmallPage, "a static page of the bytes of the page with 20 seats"),
    (Measure::StaticLargePage, "a static page of the bytes of the page with 2,000 seats"),
    (Measure::HoldScript, "Redis: `EVALSHA` of the hold script"),
    (Measure::ReadByKey, "PostgreSQL: a ticket by its uuid (pgbench, prepared)"),
    (Measure::SaleStatement, "PostgreSQL: the statement that sells (pgbench, prepared)"),
];
const SERVICES: &[(Measure, &str)] = &[
    (Measure::Reserve, "reserve"),
    (Measure::Confirm, "confirm, free"),
    (Measure::RefusalHeld, "refusal, held ticket, a crowd"),
    (Measure::RefusalSold, "refusal, sold ticket, a crowd"),
    (Measure::SmallPage, "event page, 20 seats"),
    (Measure::SmallPageNotModified, "event page, 20 seats, 304"),
    (Measure::SmallPageGzip, "event page, 20 seats, gzip"),
    (Measure::LargePage, "event page, 2,000 seats"),
    (Measure::LargePageNotModified, "event page, 2,000 seats, 304"),
    (Measure::LargePageGzip, "event page, 2,000 seats, gzip"),
];

/// Other processes may use this share of the machine: the kernel and the host are never quite idle.
const QUIET: f64 = 0.05;

/// The head of the comparison with the implementation in Go.
const ORIENTATION: &str = "\
| | Go: per second | here | Go: CPU s per 1,000 | aim | here |
|---|---|---|---|---|---|
";
/// Per second, CPU seconds per 1,000 answers, and the aim for these. The run is not published.
const GO: &[(Measure, &str, &str, &str)] = &[
    (Measure::Reserve, "12,400", "0.074", "0.037"),
    (Measure::Confirm, "5,750", "–", "half of that in Go"),
    (Measure::SmallPage, "11,700", "0.109", "0.055"),
    (Measure::LargePage, "349", "4.8", "0.48"),
];

impl Report {
    pub(crate) fn markdown(&self) -> String {
        let sections = [
            self.introduction(),
            format!("## Goals\n\n{}", self.goals_table()),
            format!("## Throughput: closed loop\n\n{}", self.throughput_table()),
            format!("## Latency: open loop\n\n{}", self.latency_table()),
            format!("## Memory\n\n{}", self.memory_table()),
            format!("## Comparison with an implementation in Go\n\n{}", self.orientation()),
        ];
        sections.join("\n")
    }

    fn introduction(&self) -> String {
        let (machine, plan) = (&self.machine, &self.plan);
        format!(
            "# Performance\n\n\
             Written by `make bench` on {}, of version {}. [{JSON}]({JSON}) has all figures.\n\n\
             | | |\n|---|---|\n\
             | machine | {} cores, {}, {:.1} GiB, Linux {} |\n\
             | stores | PostgreSQL {} with `fsync` {}, Redis {}, both on the same machine |\n\
             | load | generator on the same machine; {} connections, {} in a crowd; {:.1} s for each measure, after a warm-up of {:.1} s |\n\
             | runs | {}; each figure is the median of the runs (least–largest) |\n\
             | other processes | {} |\n\n\
             Services, stores and generator share the cores, so absolute figures mean little. Each measure is therefore compared with\n\
             its ceiling: the rate that its parts reach alone, in the same run and under the same load. The ceiling of parts that run one\n\
             after the other is `1 / (1/a + 1/b + …)`. A share above 100 % means that requests share work: booking reads the tickets of\n\
             all waiting requests in one query and writes their orders in one transaction, while PostgreSQL alone runs one statement for\n\
             each. After a few refusals, a crowd is refused from memory for a moment.\n",
            machine.date,
            self.version,
            machine.cores,
            machine.processor,
            machine.memory_gib,
            machine.kernel,
            machine.postgres,
            machine.postgres_fsync,
            machine.redis,
            plan.connections,
            plan.crowd,
            plan.seconds,
            plan.warm_up_seconds,
            plan.runs,
            self.others(),
        )
    }

    fn others(&self) -> String {
        let Some(share) = Spread::of(self.runs.iter().map(|run| run.others)) else { return "–".to_owned() };
        let remark = if share.median > QUIET { ". **This is too much: the figures mean nothing**" } else { "" };
        format!("used {:.0} % of the machine during the runs{remark}", share.times(100.0))
    }

    fn goals_table(&self) -> String {
        let mut table = "| goal | measured | target | |\n|---|---|---|---|\n".to_owned();
        for goal in self.goals() {
            let met = if goal.met { "met" } else { "**not met**" };
            let _ = writeln!(table, "| {} | {} | {} | {met} |", goal.what, goal.figure, goal.target);
        }
        table
    }

    fn throughput_table(&self) -> String {
        let mut table =
            "Answers per second, and CPU seconds per 1,000 answers of the service (or of the program of the part) and of each store.\n\n\
                         | | per second | service | Redis | PostgreSQL | share of the ceiling |\n|---|---|---|---|---|---|\n"
                .to_owned();
        for (measure, name) in PARTS.iter().chain(SERVICES) {
            let per_second = self.spread(*measure, |throughput| Some(throughput.per_second));
            let Some(per_second) = per_second else {
                let reason = self.runs.iter().find_map(|run| run.skipped.get(measure)).unwrap_or(&"not measured");
                let _ = writeln!(table, "| {name} | {reason} | | | | |");
                continue;
            };
            let cpu = ["service", "redis", "postgres"].map(|process| {
                let spread = self.spread(*measure, |throughput| throughput.cpu_of(process));
                spread.map_or("–".to_owned(), |spread| format!("{spread:.3}"))
            });
            let reached = Ceiling::of(*measure).and_then(|ceiling| {
                let reached = Spread::of(self.runs.iter().filter_map(|run| ceiling.reached(run, *measure)))?;
                Some(format!("{:.0} % of {}", reached.times(100.0), ceiling.what))
            });
            let reached = reached.unwrap_or("–".to_owned());
            let _ = writeln!(table, "| {name} | {per_second:.0} | {} | {reached} |", cpu.join(" | "));
        }
        table
    }

    fn latency_table(&self) -> String {
        let mut table = format!(
            "Milliseconds, at {:.0} % of the rate that the closed loop reached in the same run. A latency begins when the request was due,\n\
             not when it could be sent. During some measures Redis rewrites its append-only file. This takes a core for a second and\n\
             shows in the highest percentiles.\n\n\
             | | arrivals per second | p50 | p99 | p99.9 | max |\n|---|---|---|---|---|---|\n",
            OPEN_LOOP_SHARE * 100.0
        );
        let nothing = self
            .latency_row("a route that does nothing, at the rate of the refusals", |run| run.nothing_at_refusal_rate);
        for (measure, name) in SERVICES {
            if *measure == Measure::RefusalHeld {
                table.push_str(&nothing);
            }
            table.push_str(&self.latency_row(name, |run| run.latency.get(measure).copied()));
        }
        table
    }

    fn latency_row(&self, name: &str, of: impl Fn(&Run) -> Option<Latency>) -> String {
        let spread =
            |figure: fn(&Latency) -> f64| Spread::of(self.runs.iter().filter_map(|run| Some(figure(&of(run)?))));
        let Some(rate) = spread(|latency| latency.rate_per_second) else { return String::new() };
        let quantiles = [
            spread(|latency| latency.p50_ms),
            spread(|latency| latency.p99_ms),
            spread(|latency| latency.p99_9_ms),
            spread(|latency| latency.max_ms),
        ];
        let quantiles: Vec<String> = quantiles.into_iter().flatten().map(|spread| format!("{spread:.2}")).collect();
        format!("| {name} | {rate:.0} | {} |\n", quantiles.join(" | "))
    }

    fn memory_table(&self) -> String {
        let mut table = format!(
            "Resident memory in MiB: during the measures with {} connections, and after the crowds of {} and {}.\n\n\
             | | peak | peak with crowds | at the end |\n|---|---|---|---|\n",
            self.plan.connections, self.plan.crowd, self.plan.cold_clients
        );
        for service in ["booking", "event-management"] {
            let figures = [
                Spread::of(self.runs.iter().filter_map(|run| Some(run.memory.get(service)?.peak_mib))),
                Spread::of(self.runs.iter().filter_map(|run| Some(run.memory_after_crowds.get(service)?.peak_mib))),
                Spread::of(self.runs.iter().filter_map(|run| Some(run.memory_after_crowds.get(service)?.resident_mib))),
            ];
            let figures: Vec<String> = figures.into_iter().flatten().map(|spread| format!("{spread:.0}")).collect();
            let _ = writeln!(table, "| {service} | {} |", figures.join(" | "));
        }
        table
    }

    fn orientation(&self) -> String {
        let mut text = format!(
            "The columns \"Go\" come from another implementation of the same contract, which was written in Go and tuned, on a similar\n\
             machine. It is not in this repository and its run is not published, so nobody can check these figures here. They\n\
             only explain where the aims for CPU time come from: half of its CPU time for reserve, confirm and the page with 20 seats,\n\
             and a tenth for the page with 2,000 seats.\n\n{ORIENTATION}"
        );
        for (measure, per_second, cpu, aim) in GO {
            let name = SERVICES.iter().find(|(named, _)| named == measure).map_or("", |(_, name)| name);
            let here = self.spread(*measure, |throughput| Some(throughput.per_second));
            let here = here.map_or("–".to_owned(), |here| format!("{here:.0}"));
            let cpu_here = self.spread(*measure, |throughput| throughput.cpu_of("service"));
            let cpu_here = cpu_here.map_or("–".to_owned(), |cpu| format!("{cpu:.3}"));
            let _ = writeln!(text, "| {name} | {per_second} | {here} | {cpu} | {aim} | {cpu_here} |");
        }
        text
    }

    fn spread(&self, measure: Measure, figure: impl Fn(&Throughput) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.runs.iter().filter_map(|run| figure(run.throughput.get(&measure)?)))
    }
}

impl Throughput {
    fn cpu_of(&self, process: &str) -> Option<f64> {
        self.cpu_seconds_per_1000.iter().find_map(|(name, seconds)| (*name == process).then_some(*seconds))
    }
}
