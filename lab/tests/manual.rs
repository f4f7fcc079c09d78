//! The manual's page on the lab file is the one that the reader's own tables make.

use std::path::Path;

#[test]
fn the_page_on_the_lab_file_is_as_the_reader_reads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manual/lab-file.md");
    let made = loggia_lab::file::manual();
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        std::fs::write(&path, &made).expect("the manual can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == made, "docs/manual/lab-file.md is not what the reader's tables make: LOGGIA_BLESS=1 writes it anew");
}
