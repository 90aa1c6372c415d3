//! `Accept-Encoding` (RFC 9110, section 12.5.3): whether the client wants a packed answer.

use axum::http::{HeaderMap, header};

/// The weight 1. Weights have up to three digits behind the point.
const FULL_WEIGHT: u16 = 1000;

/// Whether the client accepts gzip and does not prefer the plain form.
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut others, mut identity) = (None, None, None);
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    for coding in lists.flat_map(|list| list.split(',')) {
        let (name, weight) = name_and_weight(coding);
        match name {
            "*" => others = weight,
            _ if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") => gzip = weight,
            _ if name.eq_ignore_ascii_case("identity") => identity = weight,
            _ => {}
        }
    }
    // The plain form competes with gzip only when the client names it.
    let wanted = gzip.or(others).unwrap_or(0);
    wanted > 0 && wanted >= identity.unwrap_or(0)
}

/// A coding's name and its weight in thousandths. A weight that cannot be read counts as 1.
fn name_and_weight(coding: &str) -> (&str, Option<u16>) {
    let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
    let weight = parameters.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
    let weight = weight.and_then(|weight| weight.trim().parse::<f32>().ok());
    // The value is between 0 and 1,000, so the cast loses nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
    let thousandths = weight.map_or(FULL_WEIGHT, |weight| (weight.clamp(0.0, 1.0) * f32::from(FULL_WEIGHT)) as u16);
    (name.trim(), Some(thousandths))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn accepted(list: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(list));
        accepts_gzip(&headers)
    }

    #[test]
    fn gzip_is_sent_to_clients_that_want_it() {
        for list in ["gzip", "gzip, deflate, br", "GZIP;q=0.5", "x-gzip", "*", "br, *;q=0.1", "gzip; q=1.0, identity"] {
            assert!(accepted(list), "{list}");
        }
    }

    #[test]
    fn gzip_is_not_sent_to_clients_that_refuse_it_or_prefer_another_coding() {
        for list in ["", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *", "identity, gzip;q=0.5", "identity"] {
            assert!(!accepted(list), "{list}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()), "the client named no coding");
    }
}
