//! Ids in Redis: one argument, the canonical text.

use redis::{ParsingError, RedisWrite, Value};
use uuid::{Uuid, fmt::Hyphenated};

/// Lets an id be an argument of a command and be read from an answer.
macro_rules! written_as_text {
    ($name:ident) => {
        impl redis::ToRedisArgs for $name {
            fn write_redis_args<W: ?Sized + redis::RedisWrite>(&self, out: &mut W) {
                crate::redis::write(self.0, out);
            }
        }

        impl redis::ToSingleRedisArg for $name {}

        impl redis::FromRedisValue for $name {
            fn from_redis_value(answer: redis::Value) -> Result<Self, redis::ParsingError> {
                crate::redis::read(&answer).map(Self)
            }
        }
    };
}

pub(crate) use written_as_text;

pub(crate) fn write<W: ?Sized + RedisWrite>(id: Uuid, out: &mut W) {
    let mut text = [0; Hyphenated::LENGTH];
    out.write_arg(id.hyphenated().encode_lower(&mut text).as_bytes());
}

pub(crate) fn read(answer: &Value) -> Result<Uuid, ParsingError> {
    let text = match answer {
        Value::BulkString(text) => text.as_slice(),
        Value::SimpleString(text) => text.as_bytes(),
        _ => return Err(ParsingError::from("an id is a text")),
    };
    Uuid::try_parse_ascii(text).map_err(|error| ParsingError::from(error.to_string()))
}
