-- When an event is on sale, and whether it was cancelled. Null means: since ever, until it begins, not cancelled.
alter table events
    add column sale_starts_at timestamptz,
    add column sale_ends_at timestamptz,
    add column cancelled_at timestamptz,
    add constraint events_sale_ends_after_start check (sale_ends_at > sale_starts_at);
