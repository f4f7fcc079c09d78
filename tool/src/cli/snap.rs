//! How much of each packet captures keep.

use loggia_lab::record::Snap;

/// Fewest bytes that tell anything: a link header.
const LEAST: u32 = 14;

/// Reads it.
pub(super) fn snap(text: &str) -> Result<Snap, String> {
    match text {
        "all" => Ok(Snap::All),
        "headers" => Ok(Snap::Headers),
        bytes => match bytes.parse() {
            Ok(bytes @ LEAST..) => Ok(Snap::First(bytes)),
            _ => Err(format!("it is all, headers, or a number of bytes from {LEAST} (a link header) to {}", u32::MAX)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_word_or_a_number_that_is_not_too_small() {
        assert_eq!(
            ["all", "headers", "14", "65535"].map(snap),
            [Snap::All, Snap::Headers, Snap::First(14), Snap::First(65_535)].map(Ok)
        );
        for wrong in ["", "0", "13", "-1", "header", "4294967296", "96B"] {
            assert!(snap(wrong).is_err(), "{wrong}");
        }
    }
}
