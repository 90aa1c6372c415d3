//! A figure with its spread over several runs.

use std::fmt::{self, Display};

/// The median of the runs, with the least and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub median: f64,
    least: f64,
    largest: f64,
}

impl Spread {
    /// The spread of these figures. `None` when there are none.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[middle] } else { (figures.get(middle)? + figures[middle - 1]) / 2.0 };
        Some(Self { median, least: *figures.first()?, largest: *figures.last()? })
    }

    /// The same in another unit.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { median: self.median * factor, least: self.least * factor, largest: self.largest * factor }
    }
}

/// `median (least–largest)`. The formatter's precision is the number of decimals.
impl Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = formatter.precision().unwrap_or(0);
        write!(formatter, "{:.digits$}", self.median)?;
        if self.least < self.largest {
            write!(formatter, " ({:.digits$}–{:.digits$})", self.least, self.largest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_before_least_and_largest() {
        let spread = Spread::of([3.0, 1.0, 2.25]).unwrap();
        assert_eq!(format!("{spread:.1}"), "2.2 (1.0–3.0)");
        assert_eq!(Spread::of([1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(format!("{}", Spread::of([7.0]).unwrap()), "7");
        assert_eq!(Spread::of([]), None);
    }
}
