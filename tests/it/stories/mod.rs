//! Stories: what people see, told with a mail server in this process and a clock set by hand.

pub mod desk;
mod day;
mod threading;
mod automatic;
mod agents;
pub mod storms;
mod thanks;
mod bounces;
mod budgets;
mod reports;
mod aside;
mod behalf;
mod borrowed;
mod commands;
mod desk_work;
mod bad;
mod marks;
mod honest;
mod odd;
mod quarantine;
mod hostile;
mod leave;
mod sent;
mod sealed;
