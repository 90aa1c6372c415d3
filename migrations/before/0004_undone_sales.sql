-- A ticket that somebody sets back to `available` by hand is for sale again: clients of the contract know no other sign.
-- The order that had it lets go of it, so that the ticket can belong to the next one, and an order that has let go of all its
-- tickets is cancelled. What was sold stays written in order_tickets. Sales themselves never get here.

create function let_go_of_undone_sale() returns trigger
    language plpgsql
    set search_path = pg_catalog, public
as $$
begin
    with let_go as (
        update order_tickets set ticket_id = null where ticket_id = new.id returning id, order_id
    )
    update orders set state = 'cancelled'
    from let_go
    where orders.id = let_go.order_id
      and not exists (
          select from order_tickets
          where order_tickets.order_id = orders.id and ticket_id is not null and order_tickets.id <> let_go.id);
    return null;
end
$$;

create trigger let_go_of_undone_sale after update of status on tickets
    for each row when (old.status = 'booked' and new.status = 'available')
    execute function let_go_of_undone_sale();
