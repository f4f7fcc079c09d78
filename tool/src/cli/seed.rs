//! The seed that the environment states: below an option, above a lab file.

use super::Global;

/// The variable.
const NAME: &str = "LOGGIA_SEED";
/// Commands that look at it. Not `replay`: what it repeats has its seed.
const COMMANDS: [&str; 3] = ["run", "demo", "test"];

/// What holds for a command, with the seed that the environment states if no option does; an error if that is no seed.
pub fn seeded(command: &str, global: &Global) -> Result<Global, String> {
    let mut global = global.clone();
    if global.seed.is_none() && COMMANDS.contains(&command) {
        global.seed = std::env::var_os(NAME).map(|text| seed(&text.to_string_lossy())).transpose()?.flatten();
    }
    Ok(global)
}

/// An empty variable states nothing, as is usual where a script passes one on.
fn seed(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("{NAME}={text}: a seed is a whole number from 0 to {}; unset it, or say --seed N", u64::MAX);
    text.parse().map(Some).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::seed;

    #[test]
    fn a_seed_is_a_whole_number_or_nothing() {
        assert_eq!((seed("9"), seed("")), (Ok(Some(9)), Ok(None)));
        for text in ["abc", "-1", "1.5", " 7", "18446744073709551616"] {
            assert!(seed(text).is_err_and(|wrong| wrong.contains(text)), "{text}");
        }
    }
}
