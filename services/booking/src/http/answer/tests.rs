//! The descriptions in the OpenAPI document name every code that a route answers with.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// The committed document; another test compares it with what the program serves.
const DOCUMENT: &str = include_str!("../../../openapi.json");

struct Route {
    method: &'static str,
    path: &'static str,
    answer: fn(Refusal) -> ApiError,
}

const RESERVE: Route =
    Route { method: "post", path: "/tickets/reserve", answer: |refusal| not_available(HoldError::Refused(refusal)) };
const CONFIRM: Route =
    Route { method: "post", path: "/tickets/confirm", answer: |refusal| not_reserved(SaleError::Refused(refusal)) };
const HOLD: Route = Route { method: "post", path: "/holds", answer: refused };
const SHOW_HOLD: Route = Route { method: "get", path: "/holds/{hold_uuid}", answer: refused };
const EXTEND_HOLD: Route = Route { method: "post", path: "/holds/{hold_uuid}/extend", answer: refused };
const RELEASE_HOLD: Route = Route { method: "delete", path: "/holds/{hold_uuid}", answer: refused };
const ORDER: Route = Route { method: "post", path: "/orders", answer: refused };
const SHOW_ORDER: Route = Route { method: "get", path: "/orders/{order_uuid}", answer: refused };
const CANCEL: Route = Route { method: "post", path: "/orders/{order_uuid}/cancel", answer: refused };
const REFUND: Route = Route { method: "post", path: "/orders/{order_uuid}/refund", answer: refused };

/// The routes that can answer with a refusal.
fn routes_of(refusal: Refusal) -> &'static [Route] {
    match refusal {
        Refusal::Unknown => &[RESERVE, CONFIRM, HOLD],
        Refusal::OtherEvent => &[HOLD],
        Refusal::Over | Refusal::Cancelled | Refusal::NotOnSale | Refusal::SaleEnded => &[RESERVE, HOLD],
        Refusal::Held | Refusal::Limit => &[RESERVE, HOLD],
        Refusal::Sold => &[RESERVE, CONFIRM, HOLD, ORDER],
        Refusal::Selling => &[RESERVE, CONFIRM, HOLD, EXTEND_HOLD, RELEASE_HOLD, ORDER],
        Refusal::NotHeld => &[CONFIRM, ORDER],
        Refusal::NoHold => &[SHOW_HOLD, EXTEND_HOLD, RELEASE_HOLD],
        Refusal::HoldLimit => &[EXTEND_HOLD],
        Refusal::PaymentMethod => &[CONFIRM, ORDER],
        Refusal::NoOrder => &[SHOW_ORDER, CANCEL, REFUND],
        Refusal::NotCancellable => &[CANCEL],
        Refusal::NotRefundable => &[REFUND],
        Refusal::KeyReused => &[ORDER, REFUND],
    }
}

fn document() -> Value {
    serde_json::from_str(DOCUMENT).unwrap()
}

/// The words in backticks of an answer's description.
fn words(answer: &Value) -> BTreeSet<String> {
    let description = answer["description"].as_str().unwrap_or_default();
    description.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_code_of_a_refusal_stands_in_the_description_of_each_route_that_answers_with_it() {
    let document = document();
    for refusal in Refusal::ALL {
        for Route { method, path, answer } in routes_of(*refusal) {
            let answer = answer(*refusal);
            let status = answer.status().as_u16().to_string();
            let described = words(&document["paths"][format!("/api/v1/booking{path}")][method]["responses"][&status]);
            assert!(
                described.contains(answer.code()),
                "{method} {path} answers {status} `{}` for {refusal:?}, described are {described:?}",
                answer.code()
            );
        }
    }
}

#[test]
fn every_code_that_is_described_for_a_conflict_is_one_that_the_route_answers_with() {
    let answered: BTreeSet<(&str, String, String)> = Refusal::ALL
        .iter()
        .flat_map(|refusal| routes_of(*refusal).iter().map(|route| (route, (route.answer)(*refusal))))
        .filter(|(_, answer)| answer.status() == CONFLICT)
        .map(|(route, answer)| (route.method, format!("/api/v1/booking{}", route.path), answer.code().to_owned()))
        .collect();
    for (path, methods) in document()["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            for code in words(&route["responses"]["409"]) {
                let described = (method.as_str(), path.clone(), code);
                assert!(answered.contains(&described), "no refusal leads to {described:?}");
            }
        }
    }
}
