//! The page of a list that a client asks for.

use thiserror::Error;

/// The size of a page unless the client names another.
const DEFAULT_SIZE: u32 = 10;

/// A page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The page's number, from 1.
    pub number: u32,
    /// The number of entries on a page, 1 to 100.
    pub size: u32,
}

/// The page reaches beyond the 10,000th entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the page reaches beyond the {}th entry", Page::MAX_DEPTH)]
pub struct PageTooDeep;

impl Page {
    /// The largest size.
    pub const MAX_SIZE: u32 = 100;
    /// The last entry that a page may reach. Stores count through all entries before it, and Elasticsearch refuses to
    /// go further.
    pub const MAX_DEPTH: u32 = 10_000;

    /// Reads the query parameters `page` and `size`. A value that is not a number or is below 1 takes its default, 1 or
    /// 10; a size above 100 is 100.
    ///
    /// # Errors
    /// When the page reaches beyond the 10,000th entry.
    pub fn read(number: Option<&str>, size: Option<&str>) -> Result<Self, PageTooDeep> {
        let number = positive(number).unwrap_or(1);
        let size = positive(size).unwrap_or(DEFAULT_SIZE).min(Self::MAX_SIZE);
        if number.saturating_mul(size) > Self::MAX_DEPTH { Err(PageTooDeep) } else { Ok(Self { number, size }) }
    }

    /// How many entries stand before the page.
    #[must_use]
    pub const fn offset(self) -> u32 {
        (self.number - 1) * self.size
    }
}

/// A whole number of at least 1; spaces around it and a plus sign are allowed. A number that does not fit is larger
/// than every limit all the same.
fn positive(text: Option<&str>) -> Option<u32> {
    let text = text?.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().unwrap_or(u32::MAX);
    (number >= 1).then_some(number)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing(None, None, (1, 10))]
    #[case::numbers(Some("3"), Some("20"), (3, 20))]
    #[case::zero(Some("0"), Some("0"), (1, 10))]
    #[case::negative(Some("-1"), Some("-5"), (1, 10))]
    #[case::empty(Some(""), Some(""), (1, 10))]
    #[case::no_number(Some("two"), Some("1.5"), (1, 10))]
    #[case::plus_sign_and_spaces(Some("+2"), Some(" 7 "), (2, 7))]
    #[case::too_large(Some("1"), Some("101"), (1, 100))]
    #[case::too_many_digits(Some("1"), Some("99999999999999999999999999"), (1, 100))]
    #[case::deepest_of_the_largest(Some("100"), Some("100"), (100, 100))]
    #[case::deepest(Some("1000"), Some("10"), (1000, 10))]
    fn page_and_size_take_defaults_and_limits(
        #[case] number: Option<&str>,
        #[case] size: Option<&str>,
        #[case] (number_read, size_read): (u32, u32),
    ) {
        assert_eq!(Page::read(number, size), Ok(Page { number: number_read, size: size_read }));
    }

    #[rstest]
    #[case("1001", "10")]
    #[case("101", "100")]
    #[case("99999999", "10")]
    #[case("99999999999999999999", "1")]
    #[case("18446744073709551615", "100")]
    fn a_page_beyond_ten_thousand_entries_is_too_deep(#[case] number: &str, #[case] size: &str) {
        assert_eq!(Page::read(Some(number), Some(size)), Err(PageTooDeep));
    }
}
