//! `If-None-Match` (RFC 9110, section 13.1.2): whether the client has the page already.

use axum::http::{HeaderMap, HeaderValue, header};

/// Whether one of the client's tags is this one. The comparison is weak, as the RFC demands: a proxy that packed the
/// answer again may have marked its tag as weak.
pub(crate) fn client_has(etag: &HeaderValue, headers: &HeaderMap) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().any(|list| names(list.as_bytes(), etag.as_bytes()))
}

/// Whether a list of tags has this one, or is `*`. From a malformed tag on, the list is ignored.
fn names(list: &[u8], etag: &[u8]) -> bool {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return true;
    }
    while !rest.is_empty() {
        rest = rest.strip_prefix(b"W/").unwrap_or(rest);
        // A tag may contain commas, so the quotes decide where it ends.
        let Some(length) = quoted_length(rest) else { return false };
        let (tag, behind) = rest.split_at(length);
        if tag == etag {
            return true;
        }
        let next = behind.iter().position(|byte| !matches!(byte, b',' | b' ' | b'\t')).unwrap_or(behind.len());
        rest = &behind[next..];
    }
    false
}

/// The length of the quoted string at the beginning, with its quotes.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"\"")?;
    Some(inside.iter().position(|byte| *byte == b'"')? + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_whether_weak_or_strong() {
        for list in [r#""a""#, r#"W/"a""#, r#""x", "a""#, r#"W/"x,y" , W/"a","z""#, "*", " * ", r#" ,"#, r#""#] {
            let expected = list.contains("\"a\"") || list.contains('*');
            assert_eq!(names(list.as_bytes(), b"\"a\""), expected, "{list}");
        }
        for list in [r#""A""#, r#""ab""#, "a", r#""a"#, r#"x "a""#, r#"w/"a""#, r#""x,"a""#, r#""*""#] {
            assert!(!names(list.as_bytes(), b"\"a\""), "{list}");
        }
    }

    #[test]
    fn tags_may_come_in_several_headers() {
        let mut headers = HeaderMap::new();
        let etag = HeaderValue::from_static("\"a\"");
        assert!(!client_has(&etag, &headers));
        headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"b\""));
        assert!(!client_has(&etag, &headers));
        headers.append(header::IF_NONE_MATCH, HeaderValue::from_static("\"c\", W/\"a\""));
        assert!(client_has(&etag, &headers));
    }
}
