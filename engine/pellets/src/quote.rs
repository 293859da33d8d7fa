//! Paths of an archive as people may read them: no byte of one reaches a terminal or a log as a command.

use std::fmt::{self, Write as _};

use crate::sidecar::RawPath;

/// In tar's way: `\n`, `\t`, `\r`, `\\`, and three octal digits for each other byte of a control character, of one
/// that turns the direction of writing, and of what is not UTF-8.
impl fmt::Display for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.as_bytes().utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\n' => f.write_str("\\n")?,
                    '\t' => f.write_str("\\t")?,
                    '\r' => f.write_str("\\r")?,
                    '\\' => f.write_str("\\\\")?,
                    c if commands(c) => octal(f, c.encode_utf8(&mut [0; 4]).as_bytes())?,
                    c => f.write_char(c)?,
                }
            }
            octal(f, chunk.invalid())?;
        }
        Ok(())
    }
}

fn octal(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\{byte:03o}"))
}

/// Whether a terminal does something else with it than show it.
fn commands(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_commands_a_terminal() {
        let cases: [(&[u8], &str); 7] = [
            ("lib/größe 日本.js".as_bytes(), "lib/größe 日本.js"),
            (b"new\nline\ttab\r", "new\\nline\\ttab\\r"),
            (b"\x1b[31mred\x07\x7f", "\\033[31mred\\007\\177"),
            (b"back\\slash", "back\\\\slash"),
            (b"\xff\xfe", "\\377\\376"),
            ("\u{9b}31m".as_bytes(), "\\302\\23331m"),
            ("\u{202e}gpj.exe".as_bytes(), "\\342\\200\\256gpj.exe"),
        ];
        for (path, want) in cases {
            assert_eq!(RawPath::from(path).to_string(), want);
        }
    }
}
