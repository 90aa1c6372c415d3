-- Tells every replica that shows events which of them changed: NOTIFY on channel `event_changed`.
-- The payload is the event's uuid, or `*` for all of them.
--
-- Statement triggers with transition tables: a statement that touches 2,000 tickets of one event notifies once.
-- A new event is not announced: nobody keeps an answer about an event that did not exist.

create function notify_event_changed(uuids text[]) returns void
    language plpgsql
    set search_path = pg_catalog, public
as $$
declare
    -- Past this many, one order to drop everything is cheaper for all than naming each.
    most_named constant integer := 1000;
begin
    if cardinality(uuids) > most_named then
        perform pg_notify('event_changed', '*');
    else
        perform pg_notify('event_changed', changed.uuid) from unnest(uuids) as changed (uuid);
    end if;
end
$$;

create function notify_events_updated() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(select uuid from old_rows union select uuid from new_rows));
    return null;
end
$$;

create function notify_events_deleted() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(select uuid from old_rows));
    return null;
end
$$;

create function notify_venues_updated() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(
        select events.uuid from events where venue_id in (select id from old_rows union select id from new_rows)));
    return null;
end
$$;

create function notify_performers_updated() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(
        select distinct events.uuid
        from events
        join event_performers on event_performers.event_id = events.id
        where event_performers.performer_id in (select id from old_rows union select id from new_rows)));
    return null;
end
$$;

-- For the tables that belong to an event (tickets, event_performers). When the event itself is being deleted it is
-- found no more; its own trigger speaks then.
create function notify_parts_added() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(
        select events.uuid from events where id in (select event_id from new_rows)));
    return null;
end
$$;

create function notify_parts_removed() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(
        select events.uuid from events where id in (select event_id from old_rows)));
    return null;
end
$$;

create function notify_parts_updated() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform notify_event_changed(array(
        select events.uuid from events where id in (select event_id from old_rows union select event_id from new_rows)));
    return null;
end
$$;

create function notify_everything_changed() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    perform pg_notify('event_changed', '*');
    return null;
end
$$;

create trigger notify_updated after update on events
    referencing old table as old_rows new table as new_rows
    for each statement execute function notify_events_updated();
create trigger notify_deleted after delete on events
    referencing old table as old_rows
    for each statement execute function notify_events_deleted();

create trigger notify_updated after update on venues
    referencing old table as old_rows new table as new_rows
    for each statement execute function notify_venues_updated();

create trigger notify_updated after update on performers
    referencing old table as old_rows new table as new_rows
    for each statement execute function notify_performers_updated();

create trigger notify_added after insert on event_performers
    referencing new table as new_rows
    for each statement execute function notify_parts_added();
create trigger notify_updated after update on event_performers
    referencing old table as old_rows new table as new_rows
    for each statement execute function notify_parts_updated();
create trigger notify_removed after delete on event_performers
    referencing old table as old_rows
    for each statement execute function notify_parts_removed();

create trigger notify_added after insert on tickets
    referencing new table as new_rows
    for each statement execute function notify_parts_added();
create trigger notify_removed after delete on tickets
    referencing old table as old_rows
    for each statement execute function notify_parts_removed();
-- NOTIFY makes commits wait for each other, and a sale changes nothing but the status, which is never cached: the
-- booking service says `set local ticket_platform.sale = 'on'` and its sales stay silent. Whoever else changes a ticket
-- is heard.
create trigger notify_updated after update on tickets
    referencing old table as old_rows new table as new_rows
    for each statement
    when (current_setting('ticket_platform.sale', true) is distinct from 'on')
    execute function notify_parts_updated();

create trigger notify_truncated after truncate on venues
    for each statement execute function notify_everything_changed();
create trigger notify_truncated after truncate on performers
    for each statement execute function notify_everything_changed();
create trigger notify_truncated after truncate on events
    for each statement execute function notify_everything_changed();
create trigger notify_truncated after truncate on event_performers
    for each statement execute function notify_everything_changed();
create trigger notify_truncated after truncate on tickets
    for each statement execute function notify_everything_changed();
