module ticketplatform.dev/node/supervisor

go 1.26.0
