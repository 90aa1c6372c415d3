//! The report for people.

use std::fmt::Write;

use super::{JSON, Report, ceilings::Ceiling, spread::Spread};
use crate::{
    load::{Latency, Throughput},
    measures::{Measure, Run},
    plan::OPEN_LOOP_SHARE,
};

/// What is measured, in the order of the tables. Parts first.
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

/// Others may use this share of the machine: what kernel and host do by themselves.
const QUIET: f64 = 0.05;

/// For orientation: a well-tuned implementation of the same contract in Go on such a machine, and what is aimed at.
const ORIENTATION: &str = "\
| | Go: a second | here | Go: CPU s per 1,000 | aim | here |
|---|---|---|---|---|---|
";
const GO: &[(Measure, &str, &str, &str)] = &[
    (Measure::Reserve, "12,400", "0.074", "0.037"),
    (Measure::Confirm, "5,750", "–", "half of what it takes there"),
    (Measure::SmallPage, "11,700", "0.109", "0.055"),
    (Measure::LargePage, "349", "4.8", "0.48"),
];

impl Report {
    /// The whole report.
    pub(crate) fn markdown(&self) -> String {
        let sections = [
            self.introduction(),
            format!("## What must hold\n\n{}", self.goals_table()),
            format!("## What is possible: closed loop\n\n{}", self.throughput_table()),
            format!("## How long it takes: open loop\n\n{}", self.latency_table()),
            format!("## Memory\n\n{}", self.memory_table()),
            format!("## For orientation\n\n{}", self.orientation()),
        ];
        sections.join("\n")
    }

    fn introduction(&self) -> String {
        let (machine, plan) = (&self.machine, &self.plan);
        format!(
            "# Performance\n\n\
             Written by `make bench` on {}, of version {}; all figures stand in [{JSON}]({JSON}).\n\n\
             | | |\n|---|---|\n\
             | machine | {} cores, {}, {:.1} GiB, Linux {} |\n\
             | stores | PostgreSQL {} with `fsync` {}, Redis {}, both on the same machine |\n\
             | load | generator on the same machine; {} connections, {} in a crowd; {:.1} s for each measure, {:.1} s before it uncounted |\n\
             | runs | {}; each figure is their median (least–largest) |\n\
             | others on the machine | {} |\n\n\
             Services, stores and generator share the cores, so absolute figures mean little. Each measure is compared with what its\n\
             parts reach alone in the same run, under the same load: the ceiling of a sequence of parts is `1 / (1/a + 1/b + …)`.\n\
             A share above 100 % says that customers share work: booking reads the tickets of all who wait in one query and writes their\n\
             orders in one transaction, where PostgreSQL alone is asked for each. A crowd's refusals come from memory for a moment, once some were refused.\n",
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
        let remark = if share.median > QUIET { ": **too much for figures that mean anything**" } else { "" };
        format!("used {:.0} % of it meanwhile{remark}", share.times(100.0))
    }

    fn goals_table(&self) -> String {
        let mut table = "| what | found | target | |\n|---|---|---|---|\n".to_owned();
        for goal in self.goals() {
            let met = if goal.met { "met" } else { "**not met**" };
            let _ = writeln!(table, "| {} | {} | {} | {met} |", goal.what, goal.figure, goal.target);
        }
        table
    }

    fn throughput_table(&self) -> String {
        let mut table =
            "CPU seconds per 1,000 answers, of the service or the part's own program and of what it uses.\n\n\
                         | | a second | service | Redis | PostgreSQL | of its ceiling |\n|---|---|---|---|---|---|\n"
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
            "At {:.0} % of what the closed loop showed to be possible in the same run. A latency counts from when the request was due,\n\
             not from when it could be sent. Milliseconds. Redis rewrites its append-only file while some of these run, which takes a\n\
             core for a second and shows in their tails.\n\n\
             | | arrivals a second | p50 | p99 | p99.9 | max |\n|---|---|---|---|---|---|\n",
            OPEN_LOOP_SHARE * 100.0
        );
        let nothing = self.latency_row("doing nothing, at the rate of the refusals", |run| run.nothing_at_refusal_rate);
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
            "Resident, MiB: under the measures with {} connections, and after the crowds of {} and {}.\n\n\
             | | peak | peak with crowds | resident at the end |\n|---|---|---|---|\n",
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
            "A well-tuned implementation of the same contract in Go reached this on such a machine. The aim is half of its CPU time for\n\
             reserve, confirm and the page with 20 seats, and a tenth for the page with 2,000.\n\n{ORIENTATION}"
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
