//! PAX extended headers: `LENGTH KEY=VALUE\n`, again and again.

use super::entry::Xattr;
use super::error::TarOdd;
use super::sparse::{self, Extent, decimal};

const XATTR: &[u8] = b"SCHILY.xattr.";

/// What a PAX header says about the entry behind it.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Nanoseconds since the Unix epoch.
    pub(super) mtime_ns: Option<i64>,
    pub(super) xattrs: Vec<Xattr>,
    pub(super) sparse: Option<SparseForm>,
}

/// The three ways in which GNU tar describes a sparse file in PAX records.
#[derive(Debug)]
pub(super) enum SparseForm {
    /// 0.0 and 0.1: the map stands in the records.
    Here { size: u64, extents: Vec<Extent> },
    /// 1.0: the map stands before the content.
    Ahead { size: u64 },
}

/// The GNU.sparse records as they come.
#[derive(Debug, Default)]
struct SparseRecords {
    major: Option<u64>,
    minor: Option<u64>,
    name: Option<Vec<u8>>,
    size: Option<u64>,
    real_size: Option<u64>,
    n_blocks: Option<u64>,
    map: Option<Vec<Extent>>,
    /// Offsets and lengths in turn.
    pairs: Vec<u64>,
    /// Whether `path` came behind `name`: readers then take different ones.
    path_after_name: bool,
}

impl Pax {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, TarOdd> {
        let mut pax = Self::default();
        let mut gnu = SparseRecords::default();
        for record in Records(bytes) {
            let (key, value) = record?;
            pax.take(key, value, &mut gnu)?;
        }
        let (form, name) = gnu.finish()?;
        pax.sparse = form;
        if name.is_some() {
            pax.path = name;
        }
        Ok(pax)
    }

    fn take(&mut self, key: &[u8], value: &[u8], gnu: &mut SparseRecords) -> Result<(), TarOdd> {
        match key {
            b"path" => {
                gnu.path_after_name |= gnu.name.is_some();
                once(&mut self.path, text(value)?)
            }
            b"linkpath" => once(&mut self.link, text(value)?),
            b"size" => once(&mut self.size, decimal(value).ok_or(TarOdd::PaxRecord)?),
            b"mtime" => once(&mut self.mtime_ns, nanos(value).ok_or(TarOdd::PaxRecord)?),
            b"hdrcharset" if !matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8") => {
                Err(TarOdd::PaxUnsupported)
            }
            // Other ways to say that a file is not what its header says.
            b"SCHILY.realsize" | b"SCHILY.filetype" | b"SUN.holesdata" => {
                Err(TarOdd::PaxUnsupported)
            }
            _ if key.starts_with(b"GNU.sparse.") => gnu.take(&key[11..], value),
            _ if key.starts_with(b"GNU.") => Err(TarOdd::PaxUnsupported),
            _ if key.starts_with(XATTR) => {
                let name = unescape(&key[XATTR.len()..]);
                if self.xattrs.iter().any(|x| x.name == name) {
                    return Err(TarOdd::PaxRecord);
                }
                self.xattrs.push(Xattr { name, value: value.into() });
                Ok(())
            }
            // Owners, other times, comments and vendors' notes change nothing that is brought back.
            _ => Ok(()),
        }
    }
}

/// Refuses a global header that says anything about the entries behind it: some tars apply it, some
/// apply it in part, some skip it. One with comments and times only is passed over.
pub(super) fn check_global(bytes: &[u8]) -> Result<(), TarOdd> {
    for record in Records(bytes) {
        let (key, _) = record?;
        let says_something = matches!(key, b"path" | b"linkpath" | b"size" | b"hdrcharset")
            || [&b"GNU."[..], b"SCHILY.", b"SUN."].iter().any(|prefix| key.starts_with(prefix));
        if says_something {
            return Err(TarOdd::PaxUnsupported);
        }
    }
    Ok(())
}

impl SparseRecords {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarOdd> {
        let number = || decimal(value).ok_or(TarOdd::Sparse);
        match key {
            b"major" => once(&mut self.major, number()?),
            b"minor" => once(&mut self.minor, number()?),
            b"name" => once(&mut self.name, text(value)?),
            b"size" => once(&mut self.size, number()?),
            b"realsize" => once(&mut self.real_size, number()?),
            b"numblocks" => once(&mut self.n_blocks, number()?),
            b"map" => once(&mut self.map, sparse::from_list(value)?),
            b"offset" if self.pairs.len().is_multiple_of(2) => {
                self.pairs.push(number()?);
                Ok(())
            }
            b"numbytes" if !self.pairs.len().is_multiple_of(2) => {
                self.pairs.push(number()?);
                Ok(())
            }
            _ => Err(TarOdd::Sparse),
        }
    }

    /// The form, and the name where the form has one.
    fn finish(self) -> Result<(Option<SparseForm>, Option<Vec<u8>>), TarOdd> {
        if self.path_after_name {
            return Err(TarOdd::Sparse);
        }
        let version = (self.major, self.minor);
        let n_pairs = self.pairs.len();
        let form = match (version, self.size, self.real_size, self.n_blocks, self.map) {
            ((None, None), None, None, None, None) if n_pairs == 0 && self.name.is_none() => {
                return Ok((None, None));
            }
            ((Some(1), Some(0)), None, Some(size), None, None) if n_pairs == 0 => {
                self.name.as_ref().ok_or(TarOdd::Sparse)?;
                SparseForm::Ahead { size }
            }
            ((None, None), Some(size), None, Some(n), Some(extents)) if n_pairs == 0 => {
                self.name.as_ref().ok_or(TarOdd::Sparse)?;
                counted(n, size, extents)?
            }
            ((None, None), Some(size), None, Some(n), None) if self.name.is_none() => {
                let pairs = self.pairs.chunks_exact(2);
                if !pairs.remainder().is_empty() {
                    return Err(TarOdd::Sparse);
                }
                counted(n, size, pairs.map(|p| Extent { offset: p[0], len: p[1] }).collect())?
            }
            _ => return Err(TarOdd::Sparse),
        };
        Ok((Some(form), self.name))
    }
}

/// GNU tar writes `=` in the name of an attribute, which would end the key, as `%3D`, and `%` as `%25`;
/// libarchive writes more signs that way. Neither leaves a `%` as it is.
fn unescape(name: &[u8]) -> Box<[u8]> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, behind @ ..] = rest {
        let mut byte = [*first];
        let escaped = *first == b'%'
            && behind
                .get(..2)
                .is_some_and(|digits| hex::decode_to_slice(digits, &mut byte).is_ok());
        out.push(byte[0]);
        rest = if escaped { &behind[2..] } else { behind };
    }
    out.into()
}

fn counted(n: u64, size: u64, extents: Vec<Extent>) -> Result<SparseForm, TarOdd> {
    if extents.len() as u64 != n {
        return Err(TarOdd::Sparse);
    }
    Ok(SparseForm::Here { size, extents })
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), TarOdd> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(TarOdd::PaxRecord),
    }
}

/// A name: an empty one would mean "as in the header", which not every tar does.
fn text(value: &[u8]) -> Result<Vec<u8>, TarOdd> {
    if value.is_empty() || value.contains(&0) { Err(TarOdd::Name) } else { Ok(value.to_vec()) }
}

/// Seconds with a fraction as nanoseconds; further digits are cut off.
fn nanos(value: &[u8]) -> Option<i64> {
    let (negative, value) = match value {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, value),
    };
    let mut parts = value.splitn(2, |b| *b == b'.');
    let seconds = i64::try_from(decimal(parts.next()?)?).ok()?;
    let fraction = parts.next().unwrap_or_default();
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
    let fraction = digits.fold(0, |n, b| n * 10 + i64::from(b - b'0'));
    let nanos = seconds.checked_mul(1_000_000_000)?.checked_add(fraction)?;
    Some(if negative { -nanos } else { nanos })
}

/// The records of a header.
struct Records<'a>(&'a [u8]);

impl<'a> Records<'a> {
    fn record(&self) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let space = self.0.iter().take(12).position(|b| *b == b' ')?;
        let len = usize::try_from(decimal(&self.0[..space])?).ok()?;
        let (record, rest) = self.0.split_at_checked(len)?;
        let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = record.iter().position(|b| *b == b'=')?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        (!key.is_empty() && !key.contains(&0)).then_some((key, value, rest))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(&'a [u8], &'a [u8]), TarOdd>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((key, value, rest)) = self.record() else {
            self.0 = &[];
            return Some(Err(TarOdd::PaxRecord));
        };
        self.0 = rest;
        Some(Ok((key, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_whole_or_not_at_all() {
        let pax = Pax::parse(b"12 path=a/b\n21 mtime=1.000000001\n").unwrap();
        assert_eq!((pax.path.as_deref(), pax.mtime_ns), (Some(&b"a/b"[..]), Some(1_000_000_001)));
        for bad in [
            &b"12 path=a/b"[..],
            b"13 path=a/b\n",
            b"012 path=a/b\n",
            b"12 path=a/b\n12 path=a/b\n",
            b"4 a=\n\n",
            b"6 =ab\n",
            b"9 path=\n",
            b"99999999999999999999 path=a\n",
            b"11 size=1x\n",
            b"11 size=-1\n",
            b"11 path=\0a\n",
        ] {
            assert!(Pax::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn names_of_attributes_are_unescaped() {
        let cases: [(&[u8], &[u8]); 5] = [
            (b"user.a", b"user.a"),
            (b"user.a%3Db%25", b"user.a=b%"),
            (b"a%20b%FE%2520", b"a b\xfe%20"),
            (b"50%", b"50%"),
            (b"%zz%4", b"%zz%4"),
        ];
        for (name, expected) in cases {
            assert_eq!(&*unescape(name), expected);
        }
    }

    #[test]
    fn times_before_1970_count_backwards() {
        assert_eq!(nanos(b"-1.5"), Some(-1_500_000_000));
        assert_eq!(nanos(b"12.0123456789"), Some(12_012_345_678));
        assert_eq!(nanos(b"1.x"), None);
    }
}
