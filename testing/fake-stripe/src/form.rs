//! Bodies of requests: `application/x-www-form-urlencoded`, with brackets for nested parameters.

use std::collections::BTreeMap;

use crate::answer::ApiError;

/// The parameters of a request, in canonical order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut pairs: Vec<_> = form_urlencoded::parse(text).into_owned().collect();
        pairs.sort();
        Self(pairs)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn owned(&self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, ApiError> {
        match self.text(name) {
            Some("") => Err(ApiError::parameter(
                "parameter_invalid_empty",
                name,
                format!("You passed an empty string for '{name}'. We assume empty values are an attempt to unset it."),
            )),
            Some(value) => Ok(value),
            None => Err(ApiError::parameter("parameter_missing", name, format!("Missing required param: {name}."))),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let invalid =
            |value: &str| ApiError::parameter("parameter_invalid_integer", name, format!("Invalid integer: {value}"));
        self.text(name).map(|value| value.parse().map_err(|_| invalid(value))).transpose()
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => {
                Err(ApiError::parameter("parameter_invalid_boolean", name, format!("Invalid boolean: {other}")))
            }
        }
    }

    /// The value, when it is one of these.
    pub(crate) fn one_of<'a>(&'a self, name: &str, default: &'a str, values: &[&str]) -> Result<&'a str, ApiError> {
        let value = self.text(name).unwrap_or(default);
        if values.contains(&value) {
            return Ok(value);
        }
        let message = format!("Invalid {name}: must be one of {}", values.join(", "));
        Err(ApiError::parameter("parameter_invalid_string", name, message))
    }

    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        let key = |name: &str| Some(name.strip_prefix("metadata[")?.strip_suffix(']')?.to_owned());
        self.0.iter().filter_map(|(name, value)| Some((key(name)?, value.clone()))).collect()
    }

    /// An error when there is a parameter that the call does not know. Stripe does the same, which finds misspellings.
    pub(crate) fn knows_only(&self, known: &[&str]) -> Result<(), ApiError> {
        let unknown = self.0.iter().map(|(name, _)| name.split('[').next().unwrap_or(name));
        match unknown.into_iter().find(|name| !known.contains(name) && *name != "expand") {
            Some(name) => {
                Err(ApiError::parameter("parameter_unknown", name, format!("Received unknown parameter: {name}")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_metadata_is_read_by_its_brackets() {
        let form = Form::parse(b"amount=350&metadata%5Border_uuid%5D=a-1&metadata[kind]=seat");
        assert_eq!(form.text("amount"), Some("350"));
        let metadata = [("kind", "seat"), ("order_uuid", "a-1")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(form.metadata(), BTreeMap::from(metadata));
    }

    #[test]
    fn the_order_of_parameters_makes_no_difference() {
        assert_eq!(Form::parse(b"a=1&b=2"), Form::parse(b"b=2&a=1"));
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let error = Form::parse(b"amount=1&metadat[a]=b").knows_only(&["amount", "metadata"]).unwrap_err();
        assert_eq!(error.error()["param"], "metadat");
    }
}
