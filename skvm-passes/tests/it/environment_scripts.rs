//! The scripts of a plan, run for real in a folder of their own with programs that only write down what
//! they were told.

mod cases;
mod hostile;
mod jail;
mod run;
