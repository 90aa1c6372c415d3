//! Holds of one or more seats.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use ids::{EventId, HoldId, TicketId, UserId};
use kit::{
    error::{ApiError, ErrorBody},
    http::{
        Json,
        answers::{InvalidPayload, Unavailable},
    },
};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{
    payload::{HoldRequest, OfUser},
    request::{NamedHold, QueriedUser},
};
use crate::holding::{Holds, UserHold};

/// Seats that are kept for a user.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Hold {
    #[schema(value_type = Uuid)]
    hold_uuid: HoldId,
    #[schema(value_type = Uuid)]
    event_uuid: EventId,
    #[schema(value_type = Uuid)]
    user_uuid: UserId,
    #[schema(value_type = Vec<Uuid>)]
    ticket_uuids: Vec<TicketId>,
    /// When the first of the tickets is free again, by the clock of this service.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Whole seconds until then.
    seconds_left: u64,
    /// The latest end that the hold can be extended to.
    #[serde(with = "time::serde::rfc3339")]
    extendable_until: OffsetDateTime,
}

impl Hold {
    fn new(hold: UserHold, user_uuid: UserId) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            hold_uuid: hold.hold,
            event_uuid: hold.event,
            user_uuid,
            ticket_uuids: hold.tickets,
            expires_at: now + whole_milliseconds(hold.left),
            seconds_left: hold.left.as_secs(),
            extendable_until: now + whole_milliseconds(hold.longest),
        }
    }
}

fn whole_milliseconds(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

type Answer = Result<(StatusCode, axum::Json<Hold>), ApiError>;

/// Hold seats
///
/// Holds all these tickets for the user, or none of them. The owner's repeat succeeds and does not prolong the hold.
/// Tickets that the user already holds join the new hold and keep their end.
#[utoipa::path(
    post,
    path = "/holds",
    request_body = HoldRequest,
    responses(
        (status = 200, description = "The user had this hold already", body = Hold),
        (status = 201, description = "The tickets are held for the user", body = Hold),
        InvalidPayload,
        (status = 409, description = "`ticket_not_available`, `ticket_of_another_event`, `event_over`, `event_cancelled`, `not_on_sale`, `sale_ended`, `ticket_limit_reached`, `hold_is_being_sold`", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn create(State(holds): State<Arc<Holds>>, Json(wanted): Json<HoldRequest>) -> Answer {
    let HoldRequest { event_uuid, user_uuid, ticket_uuids, .. } = wanted;
    let (hold, is_new) = holds.hold(event_uuid, &ticket_uuids, user_uuid).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(Hold::new(hold, user_uuid))))
}

/// Show a hold
#[utoipa::path(
    get,
    path = "/holds/{hold_uuid}",
    params(("hold_uuid" = Uuid, Path, description = "The hold."), OfUser),
    responses(
        (status = 200, description = "The hold, with the seconds it has left", body = Hold),
        InvalidPayload,
        (status = 404, description = "`hold_not_found`: the user has no such hold, or it has run out", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn show(
    State(holds): State<Arc<Holds>>,
    NamedHold(hold): NamedHold,
    QueriedUser(user): QueriedUser,
) -> Answer {
    let hold = holds.show(hold, user).await?;
    Ok((StatusCode::OK, axum::Json(Hold::new(hold, user))))
}

/// Extend a hold
///
/// Starts the hold's length again, up to its lifetime.
#[utoipa::path(
    post,
    path = "/holds/{hold_uuid}/extend",
    params(("hold_uuid" = Uuid, Path, description = "The hold.")),
    request_body = OfUser,
    responses(
        (status = 200, description = "The hold as it is now", body = Hold),
        InvalidPayload,
        (status = 404, description = "`hold_not_found`", body = ErrorBody),
        (status = 409, description = "`hold_limit_reached`, `hold_is_being_sold`", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn extend(
    State(holds): State<Arc<Holds>>,
    NamedHold(hold): NamedHold,
    Json(of): Json<OfUser>,
) -> Answer {
    let hold = holds.extend(hold, of.user_uuid).await?;
    Ok((StatusCode::OK, axum::Json(Hold::new(hold, of.user_uuid))))
}

/// Release a hold
///
/// Releases all its tickets.
#[utoipa::path(
    delete,
    path = "/holds/{hold_uuid}",
    params(("hold_uuid" = Uuid, Path, description = "The hold."), OfUser),
    responses(
        (status = 204, description = "The tickets are free"),
        InvalidPayload,
        (status = 404, description = "`hold_not_found`", body = ErrorBody),
        (status = 409, description = "`hold_is_being_sold`", body = ErrorBody),
        Unavailable,
    )
)]
pub(crate) async fn release(
    State(holds): State<Arc<Holds>>,
    NamedHold(hold): NamedHold,
    QueriedUser(user): QueriedUser,
) -> Result<StatusCode, ApiError> {
    holds.release(hold, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
