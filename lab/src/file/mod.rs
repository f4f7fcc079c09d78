//! The lab file: text in, a description or errors with line and remedy out.
