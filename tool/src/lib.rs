//! The program `loggia`: unmodified programs on a described network. See `docs/manual/`.
