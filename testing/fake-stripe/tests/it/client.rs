//! A shop that talks to the fake.

use fake_stripe::{FakeStripe, SECRET_KEY};
use serde_json::Value;

pub(crate) struct Shop {
    pub stripe: FakeStripe,
    pub client: reqwest::Client,
    url: String,
}

/// A status and a body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub body: Value,
}

impl Answer {
    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().expect("an id").to_owned()
    }

    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, kind: &str, code: Option<&str>) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["error"]["type"], kind, "{self:?}");
        assert_eq!(self.body["error"]["code"].as_str(), code, "{self:?}");
    }
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let stripe = FakeStripe::start().await;
        Self { url: stripe.base_url().to_owned(), stripe, client: reqwest::Client::new() }
    }

    /// The same calls, sent to another server.
    pub(crate) async fn at(url: &str) -> Self {
        Self { url: url.to_owned(), ..Self::open().await }
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.try_post(path, form, None).await.expect("an answer")
    }

    pub(crate) async fn post_with_key(&self, path: &str, form: &[(&str, &str)], key: &str) -> Answer {
        self.try_post(path, form, Some(key)).await.expect("an answer")
    }

    pub(crate) async fn try_post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        key: Option<&str>,
    ) -> reqwest::Result<Answer> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.client.post(format!("{}{path}", self.url)).bearer_auth(SECRET_KEY);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        read(request.send().await?).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(SECRET_KEY);
        read(request.send().await.expect("an answer")).await.expect("an answer")
    }

    /// A customer with a saved method.
    pub(crate) async fn given_customer_with(&self, method: &str) -> String {
        let customer = self.post("/v1/customers", &[("metadata[user_uuid]", "u-1")]).await.id();
        let saved = self.post(&format!("/v1/payment_methods/{method}/attach"), &[("customer", &customer)]).await;
        assert_eq!((saved.status, &saved.body["customer"]), (200, &Value::from(customer.clone())), "{saved:?}");
        customer
    }

    /// Pays for order `o-1` with a method, money put aside first.
    pub(crate) async fn authorize(&self, method: &str) -> Answer {
        let customer = self.given_customer_with(method).await;
        self.post("/v1/payment_intents", &order_form(&customer, method)).await
    }
}

pub(crate) fn order_form<'a>(customer: &'a str, method: &'a str) -> [(&'a str, &'a str); 7] {
    [
        ("amount", "35000"),
        ("currency", "eur"),
        ("customer", customer),
        ("payment_method", method),
        ("capture_method", "manual"),
        ("confirm", "true"),
        ("metadata[order_uuid]", "o-1"),
    ]
}

async fn read(response: reqwest::Response) -> reqwest::Result<Answer> {
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotent-replayed");
    Ok(Answer { status, replayed, body: response.json().await? })
}
