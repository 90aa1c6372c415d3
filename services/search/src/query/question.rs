//! The question of a user, and the query that Elasticsearch gets for it. This module does no I/O.

use kit::http::{Page, PageTooDeep};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const MAX_TEXT_CHARACTERS: usize = 256;

/// The most variants of one word in a fuzzy query. With the longest text, and all its words fuzzy, the query stays
/// below the number of clauses that a small Elasticsearch accepts.
const MAX_EXPANSIONS: u32 = 10;

/// Why a question is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The page reaches beyond [`Page::MAX_DEPTH`].
    PageTooDeep,
    /// The text is longer than [`MAX_TEXT_CHARACTERS`].
    TextTooLong,
}

/// A question in normal form: requests with the same meaning give equal questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    text: String,
    page: Page,
}

impl Question {
    /// Reads the parameters of a request. A page or size that is not a number or is below 1 takes the default.
    pub(crate) fn parse(text: Option<&str>, page: Option<&str>, size: Option<&str>) -> Result<Self, Refusal> {
        let text = text.unwrap_or_default().trim();
        if text.chars().count() > MAX_TEXT_CHARACTERS {
            return Err(Refusal::TextTooLong);
        }
        let page = Page::read(page, size).map_err(|PageTooDeep| Refusal::PageTooDeep)?;
        Ok(Self { text: text.to_lowercase(), page })
    }

    pub(crate) fn page(&self) -> Page {
        self.page
    }

    /// The trimmed, lower-case text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The key of the answer in the cache.
    pub(crate) fn cache_key(&self) -> String {
        format!("search:{}:{}:{}", self.text, self.page.number, self.page.size)
    }

    /// The query for Elasticsearch. It finds upcoming events: the best match first, then the soonest. Events that are
    /// equal in both are ordered by id, so that they keep their places from page to page.
    pub(crate) fn to_query(&self, now: OffsetDateTime) -> Value {
        // RFC 3339 ends with the year 9999. After that Elasticsearch's own "now" is used.
        let now = now.format(&Rfc3339).unwrap_or_else(|_| "now".to_owned());
        let mut query = json!({"bool": {"filter": [{"range": {"date": {"gte": now}}}]}});
        let mut order = vec![json!({"date": "asc"}), json!({"id": "asc"})];
        if !self.text.is_empty() {
            query["bool"]["must"] = json!([matching(&self.text)]);
            order.insert(0, json!({"_score": "desc"}));
        }
        json!({
            "from": self.page.offset(),
            "size": self.page.size,
            "query": query,
            "sort": order,
            "track_total_hits": true,
        })
    }
}

/// Matches the text with several fields. The best field decides and the others add a little, so that "coldplay berlin"
/// finds the concert in Berlin before those elsewhere.
fn matching(text: &str) -> Value {
    json!({"multi_match": {
        "query": text,
        "type": "best_fields",
        "fields": ["name^4", "location^2", "description"],
        "tie_breaker": 0.3,
        "fuzziness": "AUTO",
        "max_expansions": MAX_EXPANSIONS,
    }})
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn question(text: &str, page: &str, size: &str) -> Result<Question, Refusal> {
        Question::parse(Some(text), Some(page), Some(size))
    }

    #[rstest]
    #[case(None, None, (1, 10))]
    #[case(Some("3"), Some("20"), (3, 20))]
    #[case(Some("0"), Some("0"), (1, 10))]
    #[case(Some("-1"), Some("-5"), (1, 10))]
    #[case(Some(""), Some(""), (1, 10))]
    #[case(Some("two"), Some("1.5"), (1, 10))]
    #[case(Some("+2"), Some(" 7 "), (2, 7))]
    #[case(Some("1"), Some("101"), (1, 100))]
    #[case(Some("1"), Some("99999999999999999999999999"), (1, 100))]
    #[case(Some("100"), Some("100"), (100, 100))]
    #[case(Some("1000"), Some("10"), (1000, 10))]
    fn page_and_size_take_defaults_and_limits(
        #[case] page: Option<&str>,
        #[case] size: Option<&str>,
        #[case] expected: (u32, u32),
    ) {
        let question = Question::parse(None, page, size).unwrap();
        assert_eq!((question.page().number, question.page().size), expected);
    }

    #[rstest]
    #[case("1001", "10")]
    #[case("101", "100")]
    #[case("99999999", "10")]
    #[case("99999999999999999999", "1")]
    #[case("18446744073709551615", "100")]
    fn a_page_beyond_ten_thousand_events_is_too_deep(#[case] page: &str, #[case] size: &str) {
        assert_eq!(question("", page, size), Err(Refusal::PageTooDeep));
    }

    #[test]
    fn case_and_surrounding_spaces_make_no_difference() {
        let question = question("  ColdPLAY\tLive ", "1", "10").unwrap();
        assert_eq!(question.cache_key(), "search:coldplay\tlive:1:10");
    }

    #[test]
    fn the_length_of_a_text_is_counted_in_characters() {
        assert!(question(&"ü".repeat(256), "1", "1").is_ok());
        assert!(question(&format!("  {}  ", "x".repeat(256)), "1", "1").is_ok());
        assert_eq!(question(&"x".repeat(257), "1", "1"), Err(Refusal::TextTooLong));
    }

    #[test]
    fn a_text_is_matched_with_weighted_fields_of_upcoming_events() {
        let query = question("jazz", "3", "20").unwrap().to_query(OffsetDateTime::UNIX_EPOCH);
        let expected = json!({
            "from": 40,
            "size": 20,
            "query": {"bool": {
                "filter": [{"range": {"date": {"gte": "1970-01-01T00:00:00Z"}}}],
                "must": [{"multi_match": {
                    "query": "jazz",
                    "type": "best_fields",
                    "fields": ["name^4", "location^2", "description"],
                    "tie_breaker": 0.3,
                    "fuzziness": "AUTO",
                    "max_expansions": 10,
                }}],
            }},
            "sort": [{"_score": "desc"}, {"date": "asc"}, {"id": "asc"}],
            "track_total_hits": true,
        });
        assert_eq!(query, expected);
    }

    #[test]
    fn no_text_lists_upcoming_events_by_date() {
        let query = question(" ", "1", "10").unwrap().to_query(OffsetDateTime::UNIX_EPOCH);
        assert_eq!(query["query"], json!({"bool": {"filter": [{"range": {"date": {"gte": "1970-01-01T00:00:00Z"}}}]}}));
        assert_eq!(query["sort"], json!([{"date": "asc"}, {"id": "asc"}]));
    }

    proptest! {
        #[test]
        fn every_query_stays_within_the_limits(text in ".{0,300}", page in ".{0,30}", size in "[0-9]{0,30}") {
            if let Ok(question) = question(&text, &page, &size) {
                let Page { number, size } = question.page();
                prop_assert!((1..=Page::MAX_SIZE).contains(&size));
                prop_assert!(number >= 1 && number * size <= Page::MAX_DEPTH);
                let query = question.to_query(OffsetDateTime::UNIX_EPOCH);
                let reach = query["from"].as_u64().unwrap() + query["size"].as_u64().unwrap();
                prop_assert!(reach <= u64::from(Page::MAX_DEPTH));
            }
        }
    }
}
