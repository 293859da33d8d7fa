//! Shell patterns for one component of a path: `*`, `?`, `[a-z]`, `\`.

/// Whether all of `name` matches; takes time quadratic at most.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut n) = (0, 0);
    // Where to go on after a star took one byte more: behind the star, and the byte it takes next.
    let mut retry = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            retry = Some((at, n));
            continue;
        }
        let step = match name.get(n) {
            None if at == pattern.len() => return true,
            None => None,
            Some(byte) => one(&pattern[at..], *byte),
        };
        match (step, retry) {
            (Some(len), _) => {
                at += len;
                n += 1;
            }
            (None, Some((behind, taken))) if taken < name.len() => {
                retry = Some((behind, taken + 1));
                (at, n) = (behind, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// The length of the first element of `pattern` if it matches `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => bracket(rest, byte).map(|len| len + 1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        // A lone escape at the end matches nothing.
        [] | [b'\\'] => None,
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// The length of a bracket expression, without its first `[`, if it matches `byte`.
fn bracket(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut found = false;
    loop {
        match pattern.get(at..)? {
            [b']', ..] if at > start => break,
            [b'[', b':', rest @ ..] => {
                let len = rest.windows(2).position(|end| end == b":]")?;
                found |= class(&rest[..len], byte)?;
                at += len + 4;
            }
            rest => {
                let (low, len) = literal(rest)?;
                at += len;
                match pattern.get(at..)? {
                    [b'-', high @ ..] if !matches!(high, [] | [b']', ..]) => {
                        let (high, len) = literal(high)?;
                        // As in git, the first sign counts even where the range goes backwards.
                        found |= low == byte || (low..=high).contains(&byte);
                        at += len + 1;
                    }
                    _ => found |= low == byte,
                }
            }
        }
    }
    (found != negated).then_some(at + 1)
}

fn literal(pattern: &[u8]) -> Option<(u8, usize)> {
    match pattern {
        [b'\\', byte, ..] => Some((*byte, 2)),
        [byte, ..] => Some((*byte, 1)),
        [] => None,
    }
}

fn class(name: &[u8], byte: u8) -> Option<bool> {
    Some(match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_cover_what_a_shell_covers() {
        for (pattern, name, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "anything", true),
            ("*.js", "x.js", true),
            ("*.js", "x.jsx", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("[[:digit:]_]*", "7up", true),
            ("[[:nonsense:]]", "n", false),
            ("[a", "[a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a\\", "a\\", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        let hostile = "*a".repeat(5_000);
        assert!(!matches(hostile.as_bytes(), "a".repeat(4_999).as_bytes()));
    }
}
