//! Query and path parameters, held strictly: what a route does not know is refused by name.
//!
//! A filter with a typing mistake that is silently ignored would show everything.

use std::str::FromStr;

use annals_api::reason;
use annals_core::hash::{Digest, sha256};
use annals_core::limits::{PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX};
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::ApiProblem;

/// Parameters that say how much of an answer is wanted or in which shape, not which answer.
const SHAPE_PARAMETERS: [&str; 4] = ["cursor", "limit", "as", "min_position"];

/// The query parameters of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Reads the parameters of a request; any but the allowed ones are refused.
    pub(crate) fn read(uri: &Uri, allowed: &[&str]) -> Result<Self, ApiProblem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| ApiProblem::new(reason::INVALID_PARAMETER, error.body_text()))?;
        match pairs.iter().find(|(name, _)| !allowed.contains(&name.as_str())) {
            Some((name, _)) => Err(unknown(name, allowed)),
            None => Ok(Self { pairs }),
        }
    }

    /// All values of a parameter that may be repeated.
    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&str>, ApiProblem> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(invalid(name, "it is given twice")),
            None => Ok(first),
        }
    }

    /// A value of a type of its own.
    pub(crate) fn parsed<T>(&self, name: &'static str) -> Result<Option<T>, ApiProblem>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let value = self.one(name)?;
        value.map(|text| text.parse().map_err(|error: T::Err| invalid(name, &error))).transpose()
    }

    /// A yes or no.
    pub(crate) fn flag(&self, name: &'static str) -> Result<Option<bool>, ApiProblem> {
        match self.one(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(invalid(name, "it must be true or false")),
        }
    }

    /// How many items a page of events may have.
    pub(crate) fn limit(&self) -> Result<usize, ApiProblem> {
        self.limit_up_to(PAGE_EVENTS_DEFAULT, PAGE_EVENTS_MAX)
    }

    /// How many items a page may have.
    pub(crate) fn limit_up_to(
        &self,
        default: usize,
        limit_max: usize,
    ) -> Result<usize, ApiProblem> {
        let mut given = self.all("limit");
        let Some(text) = given.next() else { return Ok(default) };
        match text.parse() {
            Ok(limit) if (1..=limit_max).contains(&limit) && given.next().is_none() => Ok(limit),
            _ => {
                let detail = format!("`limit` must be one integer from 1 to {limit_max}");
                let problem = ApiProblem::new(reason::INVALID_LIMIT, detail);
                Err(problem.with("limit_min", 1).with("limit_max", limit_max))
            }
        }
    }

    /// What the request asks for, whatever page of it: a cursor holds for one such question.
    pub(crate) fn question(&self, route: &str, workspace_id: &str) -> Digest {
        let mut pairs: Vec<_> = self
            .pairs
            .iter()
            .filter(|(name, _)| !SHAPE_PARAMETERS.contains(&name.as_str()))
            .collect();
        pairs.sort();
        let text = format!("{route}\0{workspace_id}\0{pairs:?}");
        sha256(&[text.as_bytes()])
    }
}

fn unknown(name: &str, allowed: &[&str]) -> ApiProblem {
    let known = if allowed.is_empty() {
        "it takes none".to_owned()
    } else {
        format!("it takes {}", allowed.join(", "))
    };
    let detail = format!("`{name}` is no parameter of this route; {known}");
    ApiProblem::new(reason::UNKNOWN_PARAMETER, detail)
        .with("parameter", name)
        .with("allowed", allowed.to_vec())
}

/// A parameter has a value that it cannot have.
pub(crate) fn invalid(name: &str, problem: impl std::fmt::Display) -> ApiProblem {
    let detail = format!("`{name}` is wrong: {problem}");
    ApiProblem::new(reason::INVALID_PARAMETER, detail).with("parameter", name)
}

/// Path parameters whose faults are problems like all others.
#[derive(Debug)]
pub(crate) struct PathParams<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for PathParams<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiProblem> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        let problem =
            |error: PathRejection| ApiProblem::new(reason::INVALID_PARAMETER, error.body_text());
        path.map(|Path(value)| Self(value)).map_err(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Params, ApiProblem> {
        Params::read(
            &format!("/x?{query}").parse().unwrap(),
            &["limit", "event_type", "order", "cursor"],
        )
    }

    fn code<T: std::fmt::Debug>(result: Result<T, ApiProblem>) -> &'static str {
        result.unwrap_err().reason().code
    }

    #[test]
    fn refuses_unknown_doubled_and_wrong_parameters() {
        assert_eq!(code(read("evnt_type=a")), "unknown_parameter");
        assert_eq!(code(read("order=a&order=b").unwrap().one("order")), "invalid_parameter");
        assert_eq!(code(read("order=x").unwrap().flag("order")), "invalid_parameter");
        for limit in ["0", "1001", "-1", "1.0", "", "1e2", "1&limit=1"] {
            assert_eq!(
                code(read(&format!("limit={limit}")).unwrap().limit()),
                "invalid_limit",
                "{limit}"
            );
        }
        assert_eq!(read("limit=1000").unwrap().limit().unwrap(), 1000);
        assert_eq!(read("").unwrap().limit().unwrap(), 100);
    }

    #[test]
    fn decodes_values_and_keeps_repeated_ones() {
        let params = read("event_type=tool.%2A&event_type=a%2Bb").unwrap();
        assert_eq!(params.all("event_type").collect::<Vec<_>>(), ["tool.*", "a+b"]);
    }

    #[test]
    fn a_question_is_the_same_on_every_page_and_in_every_order() {
        let question = |query: &str| read(query).unwrap().question("/r", "w");
        assert_eq!(
            question("order=asc&event_type=a"),
            question("event_type=a&limit=5&order=asc&cursor=x")
        );
        assert_ne!(question("order=asc"), question("order=desc"));
        assert_ne!(question("order=asc"), read("order=asc").unwrap().question("/r", "v"));
    }
}
