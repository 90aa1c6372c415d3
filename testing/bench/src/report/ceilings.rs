//! The ceiling of a measure: the rate that it could reach, computed from its parts in the same run.

use crate::measures::{Measure, Run};

pub(crate) struct Ceiling {
    /// The ceiling in words.
    pub what: &'static str,
    parts: &'static [Measure],
}

impl Ceiling {
    /// The ceiling of a measure, if it has one.
    pub(crate) fn of(measure: Measure) -> Option<Self> {
        use Measure::{
            Confirm, HoldScript, LargePage, LargePageGzip, LargePageNotModified, Nothing, ReadByKey, RefusalHeld,
            RefusalSold, Reserve, SaleStatement, SmallPage, SmallPageGzip, SmallPageNotModified, StaticLargePage,
            StaticSmallPage,
        };
        let (what, parts): (_, &[Measure]) = match measure {
            Reserve => ("nothing + hold script + read by key", &[Nothing, HoldScript, ReadByKey]),
            Confirm => ("the sale by PostgreSQL alone", &[SaleStatement]),
            SmallPage => ("the same bytes, static", &[StaticSmallPage]),
            LargePage => ("the same bytes, static", &[StaticLargePage]),
            // The script takes less time for a refusal than for a hold, and a refusal alone is not measured.
            RefusalHeld | RefusalSold | SmallPageNotModified | LargePageNotModified | SmallPageGzip | LargePageGzip => {
                ("nothing", &[Nothing])
            }
            Nothing | StaticSmallPage | StaticLargePage | HoldScript | ReadByKey | SaleStatement => return None,
        };
        Some(Self { what, parts })
    }

    /// The share of the ceiling that the measure reached in this run.
    pub(crate) fn reached(&self, run: &Run, measure: Measure) -> Option<f64> {
        let rates: Option<Vec<f64>> =
            self.parts.iter().map(|part| Some(run.throughput.get(part)?.per_second)).collect();
        Some(run.throughput.get(&measure)?.per_second / composed(&rates?))
    }
}

/// The rate of doing several things one after the other on the same machine: their times add up.
fn composed(rates: &[f64]) -> f64 {
    1.0 / rates.iter().map(|rate| 1.0 / rate).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Throughput;

    fn at(per_second: f64) -> Throughput {
        Throughput { per_second, answers: 1, seconds: 1.0, cpu_seconds_per_1000: vec![] }
    }

    #[test]
    fn times_add_up() {
        assert!((composed(&[20_000.0, 20_000.0, 10_000.0]) - 5_000.0).abs() < 1e-6);
        assert!((composed(&[7.0]) - 7.0).abs() < 1e-9);
    }

    #[test]
    fn a_reservation_is_compared_with_its_three_parts() {
        let mut run = Run::default();
        let ceiling = Ceiling::of(Measure::Reserve).unwrap();
        run.throughput.insert(Measure::Reserve, at(4_000.0));
        run.throughput.insert(Measure::Nothing, at(20_000.0));
        run.throughput.insert(Measure::HoldScript, at(20_000.0));
        assert_eq!(ceiling.reached(&run, Measure::Reserve), None, "a part is missing");
        run.throughput.insert(Measure::ReadByKey, at(10_000.0));
        assert!((ceiling.reached(&run, Measure::Reserve).unwrap() - 0.8).abs() < 1e-9);
    }
}
