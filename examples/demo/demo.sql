-- A season to try the platform with: five venues, ten performers and twelve future events, one of them with 2,000 seats.
--
-- It can be loaded again: existing rows stay as they are, sold seats too, and past events get a new date in the future.
-- All ids are fixed, so that examples can name them. The id of a ticket is derived from its event and its seat.

begin;

create function pg_temp.seats(row_count int, seats_in_row int) returns table (seat_row int, seat text)
    language sql immutable
as $$
    select r, chr(64 + r) || s
    from generate_series(1, row_count) as r, generate_series(1, seats_in_row) as s
    order by r, s
$$;

insert into venues (uuid, location, seat_map)
select hall.uuid, hall.location,
       (select ('{' || string_agg(format('"%s":true', seat), ',') || '}')::json
        from pg_temp.seats(hall.row_count, hall.seats_in_row))
from (values
    ('0b6c1d52-5c1e-4f0a-9a51-000000000001', 'Speicherhalle, Hamburg', 8, 15),
    ('0b6c1d52-5c1e-4f0a-9a51-000000000002', 'Lindenpark Arena, Leipzig', 20, 100),
    ('0b6c1d52-5c1e-4f0a-9a51-000000000003', 'Teatro del Faro, Lisbon', 10, 12),
    ('0b6c1d52-5c1e-4f0a-9a51-000000000004', 'The Brass Foundry, Manchester', 6, 20),
    ('0b6c1d52-5c1e-4f0a-9a51-000000000005', 'Kleine Bühne am Fluss, Basel', 5, 8)
) as hall (uuid, location, row_count, seats_in_row)
on conflict (uuid) do nothing;

insert into performers (uuid, name, age, description)
values
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000001', 'Nora Lindqvist', 34, 'Songwriter and pianist with three albums of winter songs.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000002', 'The Paper Kites Orchestra', 12, 'Sixteen strings, two drummers, no conductor.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000003', 'Mateus Andrade', 41, 'Fado guitar, learned in his grandmother''s kitchen.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000004', 'Ayumi Sato', 29, 'Plays the koto and a box of broken radios.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000005', 'Dr. Eleni Markou', 52, 'Astronomer who explains the sky without a single slide.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000006', 'Quartett Rotdorn', 8, null),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000007', 'Sam Okafor', 38, 'Stand-up about trains, tax and other delays.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000008', 'Velvet Static', 6, 'Synthesizers from Manchester.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000009', 'Compagnie du Vent', 15, 'Theatre of masks and shadows.'),
    ('5f1f7a3e-2b77-4d0e-8c7d-000000000010', 'Ida Brandt', 61, null)
on conflict (uuid) do nothing;

create temporary table season on commit drop as
select planned.uuid, venues.id as venue_id, planned.name, planned.description, planned.row_count, planned.seats_in_row,
       planned.price, planned.performers,
       date_trunc('day', now()) + make_interval(days => planned.in_days, hours => planned.hour) as date
from (values
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000001', 1, 'Nora Lindqvist: Winter Songs', 'New songs and old ones, alone at the piano.', 9, 20, 8, 15, 3500, '{1}'::int[]),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000002', 2, 'The Long Night of Strings', 'The Paper Kites Orchestra and guests play until midnight.', 30, 19, 20, 100, 6400, '{2,6}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000003', 3, 'Fado by Candlelight', 'Mateus Andrade and three guitars.', 12, 21, 10, 12, 2800, '{3}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000004', 4, 'Velvet Static', 'Album release, with visuals.', 16, 20, 6, 20, 2250, '{8}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000005', 5, 'A Short History of the Dark', 'Dr. Eleni Markou on what lies between the stars.', 18, 19, 5, 8, 1500, '{5}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000006', 1, 'Koto and Static', 'Ayumi Sato meets Velvet Static.', 23, 20, 8, 15, 2900, '{4,8}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000007', 4, 'Sam Okafor: Replacement Bus', 'Ninety minutes of delays.', 25, 20, 6, 20, 1900, '{7}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000008', 3, 'The Lighthouse Keeper''s Daughter', 'A play of masks and shadows.', 33, 19, 10, 12, 3200, '{9}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000009', 5, 'Late Quartets', 'Quartett Rotdorn plays Beethoven.', 40, 18, 5, 8, 2600, '{6}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000010', 1, 'Ida Brandt Reads', 'Stories from the northern coast.', 47, 19, 8, 15, 1200, '{10}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000011', 4, 'Open Stage', null, 54, 20, 6, 20, 500, '{}'),
    ('c3a9e0d4-7f52-4b1b-b6a8-000000000012', 3, 'New Year''s Concert', 'Everybody, at once.', 61, 17, 10, 12, 4800, '{1,2,3,4}')
) as planned (uuid, hall, name, description, in_days, hour, row_count, seats_in_row, price, performers)
join venues on venues.uuid = '0b6c1d52-5c1e-4f0a-9a51-' || lpad(planned.hall::text, 12, '0');

insert into events (uuid, venue_id, date, name, description)
select uuid, venue_id, date, name, description from season
on conflict (uuid) do update set date = excluded.date where events.date < now();

insert into event_performers (event_id, performer_id)
select events.id, performers.id
from season
join events on events.uuid = season.uuid
join performers
    on performers.uuid in (select '5f1f7a3e-2b77-4d0e-8c7d-' || lpad(number::text, 12, '0') from unnest(season.performers) as number)
on conflict do nothing;

-- The first three rows cost 50 percent more.
insert into tickets (uuid, event_id, price, seat)
select md5(season.uuid || '/' || seats.seat)::uuid::text, events.id,
       case when seats.seat_row <= 3 then season.price * 3 / 2 else season.price end, seats.seat
from season
join events on events.uuid = season.uuid
cross join lateral pg_temp.seats(season.row_count, season.seats_in_row) as seats
order by events.id, seats.seat_row, length(seats.seat), seats.seat
on conflict (event_id, seat) do nothing;

drop function pg_temp.seats(int, int);

commit;
