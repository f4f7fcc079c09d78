//! Stories of the built-in programs, in virtual time.
