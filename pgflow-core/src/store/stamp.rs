//! A point in time as the database says it. The engine only carries stamps back and forth and never compares them with
//! a clock of its own.

use std::time::{Duration, SystemTime};

use sqlx::{
    Database, Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{
        PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid,
    },
};

const TIMESTAMPTZ: Oid = Oid(1184);
const TIMESTAMPTZ_ARRAY: Oid = Oid(1185);
/// 2000-01-01, where Postgres counts from, in microseconds since 1970-01-01.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// Microseconds since 2000-01-01 UTC, by the database's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i64);

impl Stamp {
    /// The same point in time for people and other crates.
    pub fn to_system_time(self) -> SystemTime {
        let us = self.0.saturating_add(POSTGRES_EPOCH_US);
        let distance = Duration::from_micros(us.unsigned_abs());
        if us < 0 { SystemTime::UNIX_EPOCH - distance } else { SystemTime::UNIX_EPOCH + distance }
    }

    /// How long after `earlier` this is; nothing where it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default())
    }
}

impl From<SystemTime> for Stamp {
    fn from(at: SystemTime) -> Self {
        let us = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        let unix = match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => us(after),
            Err(before) => -us(before.duration()),
        };
        Self(unix.saturating_sub(POSTGRES_EPOCH_US))
    }
}

impl Type<Postgres> for Stamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl PgHasArrayType for Stamp {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ_ARRAY)
    }
}

impl Encode<'_, Postgres> for Stamp {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Postgres>>::encode(self.0, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Stamp {
    fn decode(value: <Postgres as Database>::ValueRef<'r>) -> Result<Self, BoxDynError> {
        let value: PgValueRef<'r> = value;
        match value.format() {
            PgValueFormat::Binary => Ok(Self(i64::from_be_bytes(value.as_bytes()?.try_into()?))),
            PgValueFormat::Text => {
                Err("a time stamp in text form; use a prepared statement".into())
            }
        }
    }
}
