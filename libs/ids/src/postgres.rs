//! Ids in PostgreSQL: `text` in canonical form. The schema checks that form of a row's own id (`…_uuid_canonical`). It
//! does not check columns that name another row, such as `orders.user_uuid`. Programs write them from here alone, but a
//! reader must expect a row that was changed by hand.

use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueRef},
};
use uuid::{Uuid, fmt::Hyphenated};

/// Lets an id, and a list of ids, be a parameter and a column of type `text`.
macro_rules! stored_as_text {
    ($name:ident) => {
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                crate::postgres::type_info()
            }

            fn compatible(stored: &sqlx::postgres::PgTypeInfo) -> bool {
                crate::postgres::is_text(stored)
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                crate::postgres::array_type_info()
            }
        }

        impl sqlx::Encode<'_, sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                crate::postgres::encode(self.0, buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(stored: sqlx::postgres::PgValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                crate::postgres::decode(stored).map(Self)
            }
        }
    };
}

pub(crate) use stored_as_text;

pub(crate) fn type_info() -> PgTypeInfo {
    <str as Type<Postgres>>::type_info()
}

pub(crate) fn is_text(stored: &PgTypeInfo) -> bool {
    <str as Type<Postgres>>::compatible(stored)
}

pub(crate) fn array_type_info() -> PgTypeInfo {
    <String as PgHasArrayType>::array_type_info()
}

pub(crate) fn encode(id: Uuid, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
    let mut text = [0; Hyphenated::LENGTH];
    <&str as Encode<Postgres>>::encode(&*id.hyphenated().encode_lower(&mut text), buffer)
}

pub(crate) fn decode(stored: PgValueRef<'_>) -> Result<Uuid, BoxDynError> {
    Ok(<&str as Decode<Postgres>>::decode(stored)?.parse()?)
}
