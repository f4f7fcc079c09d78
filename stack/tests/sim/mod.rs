//! A simulator for tests: two hosts on a link in virtual time. Everything follows from the seed.
//!
//! [`World`] holds the hosts and the two directions of their link. [`World::step`] goes to the next moment at which anything happens, brings
//! in what arrived and collects what leaves; between steps a test makes its socket calls and then [`World::settle`]s.
#![allow(dead_code, unused_imports)] // Each test uses its part.

pub(crate) mod digest;
pub(crate) mod host;
pub(crate) mod pattern;
pub(crate) mod random;
pub(crate) mod wire;
pub(crate) mod world;

pub(crate) use digest::Digest;
pub(crate) use host::Host;
pub(crate) use random::Random;
pub(crate) use wire::{Bursts, Conditions, Wire};
pub(crate) use world::World;

/// The value of an environment variable that names seeds: `7` or `0..1000`.
pub(crate) fn seeds(otherwise: std::ops::Range<u64>) -> std::ops::Range<u64> {
    let number = |text: &str| text.trim().parse::<u64>().unwrap_or_else(|_| panic!("{text} is not a seed"));
    if let Ok(one) = std::env::var("LOGGIA_SEED") {
        return number(&one)..number(&one) + 1;
    }
    let Ok(range) = std::env::var("LOGGIA_SEEDS") else { return otherwise };
    let (first, last) = range.split_once("..").unwrap_or_else(|| panic!("LOGGIA_SEEDS={range}: say 0..1000"));
    number(first)..number(last)
}

/// Compares `fresh` with the committed file beside a test; writes it if `LOGGIA_BLESS` is set.
pub(crate) fn pinned(file: &str, fresh: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        std::fs::write(&path, fresh).expect("the snapshot can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        committed == fresh,
        "stack/tests/{file} says\n\n{committed}\nbut now it is\n\n{fresh}\n\
         If that is meant: LOGGIA_BLESS=1 cargo test -p loggia-stack --test {}",
        file.split('/').next().unwrap_or(file)
    );
}
