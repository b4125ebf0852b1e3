"""The tables, by what they are about; everybody else imports them from `models`."""
