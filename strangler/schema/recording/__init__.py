"""What a service needs of the database, by the statements that it is seen to send."""
