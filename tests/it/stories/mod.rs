//! Stories: what people see, told with a mail server in this process and a clock set by hand.

mod desk;
mod day;
mod threading;
mod automatic;
mod agents;
mod bad;
mod storms;
mod marks;
mod bounces;
mod quarantine;
mod hostile;
