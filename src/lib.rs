//! Durable workflows as annotated async functions, on the Postgres you already have.
