//! The time limit for the arrival of a request's body.
//!
//! The limit is for the whole body. A limit for each piece would not stop a client that sends a byte a second.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::StatusCode,
};
use thiserror::Error;
use tokio::time::{Sleep, sleep};

use crate::error::ApiError;

/// The answer to a request whose body did not arrive in time.
pub(crate) const REQUEST_TIMEOUT: ApiError =
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request took too long to arrive");

#[derive(Debug, Error)]
#[error("the body did not arrive in time")]
struct BodyTimedOut;

/// Sets the time limit of a request's body.
pub(crate) fn bound_body(request: Request, limit: Duration) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| Body::new(BoundedBody { body, deadline: Box::pin(sleep(limit)) }))
}

/// Whether a body could not be read because it took too long.
pub(crate) fn timed_out(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<BodyTimedOut>() {
            return true;
        }
        cause = error.source();
    }
    false
}

struct BoundedBody {
    body: Body,
    deadline: Pin<Box<Sleep>>,
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        if self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Err(axum::Error::new(BodyTimedOut))));
        }
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
