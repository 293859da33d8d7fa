//! The entries of a tar stream, one after the other.

use std::io::{self, Read};

use super::block::{Block, Dialect, LEN};
use super::entry::{TarEntry, TarKind};
use super::error::{TarError, TarOdd};
use super::pax::{self, Pax, SparseForm};
use super::sparse::{self, Extent, Lines};

/// The longest name or link target: far above what a kernel takes at once.
const MAX_NAME: u64 = 64 << 10;
/// The longest PAX header: four times what is packed of attributes, since signs in names are escaped.
const MAX_PAX: u64 = 4 << 20;
/// From here on a ustar header cannot state a size.
const USTAR_MAX: u64 = 0o777_7777_7777;

/// Reads a tar stream; its own [`Read`] gives the stored content of the entry at hand.
#[derive(Debug)]
pub struct TarReader<R> {
    input: R,
    /// Bytes taken from `input`.
    at: u64,
    /// Content of the entry at hand that was not read yet.
    left: u64,
    /// Padding behind it.
    padding: u64,
    ended: bool,
}

/// Extension headers that wait for their entry.
#[derive(Debug, Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Option<Pax>,
}

type Result<T> = std::result::Result<T, TarError>;

impl<R: Read> TarReader<R> {
    /// Reads from where `input` stands.
    pub fn new(input: R) -> Self {
        Self { input, at: 0, left: 0, padding: 0, ended: false }
    }

    /// The next entry; none at the end. Content that was not read is skipped.
    ///
    /// # Errors
    /// [`TarError`]; nothing behind it can be read.
    pub fn next_entry(&mut self) -> Result<Option<TarEntry>> {
        if self.ended {
            return Ok(None);
        }
        self.skip(self.left + self.padding)?;
        (self.left, self.padding) = (0, 0);
        let start = self.at;
        let mut waiting = Extensions::default();
        let mut n_global = 0;
        loop {
            let block = self.block()?;
            if block.is_zero() {
                self.ended = true;
                waiting.assert_none().map_err(|odd| self.refuse(odd))?;
                // Without an entry behind it a global header is an error to some.
                if n_global > 0 {
                    return Err(self.refuse(TarOdd::ExtensionOrder));
                }
                self.finish()?;
                return Ok(None);
            }
            let dialect = block.check().map_err(|odd| self.refuse(odd))?;
            match block.type_flag() {
                b'L' | b'K' => {
                    let name = self.long_name(&block)?;
                    let is_name = block.type_flag() == b'L';
                    waiting.long_name(is_name, name).map_err(|odd| self.refuse(odd))?;
                }
                b'x' => {
                    let bytes = self.records(&block)?;
                    let pax = Pax::parse(&bytes).map_err(|odd| self.refuse(odd))?;
                    waiting.pax(pax).map_err(|odd| self.refuse(odd))?;
                }
                b'g' => {
                    n_global += 1;
                    waiting.assert_none().map_err(|odd| self.refuse(odd))?;
                    let bytes = self.records(&block)?;
                    pax::check_global(&bytes).map_err(|odd| self.refuse(odd))?;
                }
                _ => return self.entry(start, &block, dialect, waiting).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        start: u64,
        block: &Block,
        dialect: Dialect,
        waiting: Extensions,
    ) -> Result<TarEntry> {
        let pax = waiting.pax.unwrap_or_default();
        let stored = stored_size(block, pax.size).map_err(|odd| self.refuse(odd))?;
        let name = pax.path.or(waiting.name).unwrap_or_else(|| block.name(dialect));
        let link = pax.link.or(waiting.link).unwrap_or_else(|| block.link().to_vec());
        let mtime = pax.mtime_ns.unwrap_or_else(|| block.mtime().saturating_mul(1_000_000_000));
        let (kind, path) = kind(block, name, link).map_err(|odd| self.refuse(odd))?;
        let mut entry = TarEntry {
            path,
            kind,
            mode: block.mode(),
            mtime_ns: mtime,
            size: stored,
            stored,
            extents: None,
            xattrs: pax.xattrs,
            header_len: 0,
        };
        let is_file = entry.kind == TarKind::File;
        if !is_file && stored > 0 {
            return Err(self.refuse(TarOdd::Size));
        }
        match (block.type_flag(), pax.sparse) {
            (b'S', None) => self.old_sparse(block, &mut entry)?,
            (b'S', Some(_)) => return Err(self.refuse(TarOdd::Sparse)),
            (_, Some(_)) if !is_file => return Err(self.refuse(TarOdd::Sparse)),
            (_, Some(form)) => self.pax_sparse(form, &mut entry)?,
            (_, None) => {}
        }
        self.left = entry.stored;
        self.padding = padding(entry.stored);
        entry.header_len = self.at - start;
        Ok(entry)
    }

    fn old_sparse(&mut self, block: &Block, entry: &mut TarEntry) -> Result<()> {
        let mut extents = Vec::new();
        entry.size = block.real_size().map_err(|odd| self.refuse(odd))?;
        let mut more = block.slots(false, &mut extents).map_err(|odd| self.refuse(odd))?;
        while more {
            more = self.block()?.slots(true, &mut extents).map_err(|odd| self.refuse(odd))?;
            // One block in 21 ranges: the map alone would exceed the content.
            if extents.len() as u64 > entry.stored.saturating_add(1) {
                return Err(self.refuse(TarOdd::Sparse));
            }
        }
        self.set_extents(entry, extents)
    }

    fn pax_sparse(&mut self, form: SparseForm, entry: &mut TarEntry) -> Result<()> {
        let extents = match form {
            SparseForm::Here { size, extents } => {
                entry.size = size;
                extents
            }
            SparseForm::Ahead { size } => {
                entry.size = size;
                let mut lines = Lines::default();
                loop {
                    let left = entry.stored.checked_sub(LEN as u64);
                    entry.stored = left.ok_or_else(|| self.refuse(TarOdd::Sparse))?;
                    let block = self.bytes()?;
                    if lines.push(&block).map_err(|odd| self.refuse(odd))? {
                        break lines.extents();
                    }
                }
            }
        };
        self.set_extents(entry, extents)
    }

    fn set_extents(&self, entry: &mut TarEntry, extents: Vec<Extent>) -> Result<()> {
        sparse::check(&extents, entry.size, entry.stored).map_err(|odd| self.refuse(odd))?;
        entry.extents = Some(extents);
        Ok(())
    }

    /// What stands behind a header that is not an entry's.
    fn payload(&mut self, block: &Block, max: u64) -> Result<Vec<u8>> {
        let len = block.size().map_err(|odd| self.refuse(odd))?;
        if len > max {
            return Err(self.refuse(TarOdd::ExtensionTooLarge));
        }
        let mut bytes = Vec::new();
        let n = (&mut self.input).take(len).read_to_end(&mut bytes)? as u64;
        self.at += n;
        if n < len {
            return Err(self.refuse(TarOdd::Truncated));
        }
        self.skip(padding(len))?;
        Ok(bytes)
    }

    /// The records of a PAX header; for one without any, some tars end the archive.
    fn records(&mut self, block: &Block) -> Result<Vec<u8>> {
        let bytes = self.payload(block, MAX_PAX)?;
        if bytes.is_empty() { Err(self.refuse(TarOdd::PaxRecord)) } else { Ok(bytes) }
    }

    /// A long name: text, then one or more NULs.
    fn long_name(&mut self, block: &Block) -> Result<Vec<u8>> {
        let mut bytes = self.payload(block, MAX_NAME)?;
        let len = bytes.iter().position(|b| *b == 0).unwrap_or(0);
        if len == 0 || bytes[len..].iter().any(|b| *b != 0) {
            return Err(self.refuse(TarOdd::Name));
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Behind the first block of zeros comes a second, then nothing but zeros.
    fn finish(&mut self) -> Result<()> {
        let mut buffer = [0; 4096];
        let mut n_zeros = 0u64;
        loop {
            match self.input.read(&mut buffer) {
                Ok(0) if n_zeros < LEN as u64 => return Err(self.refuse(TarOdd::Truncated)),
                Ok(0) => return Ok(()),
                Ok(n) if buffer[..n].iter().any(|b| *b != 0) => {
                    return Err(self.refuse(TarOdd::AfterEnd));
                }
                Ok(n) => {
                    n_zeros += n as u64;
                    self.at += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    fn block(&mut self) -> Result<Block> {
        self.bytes().map(Block::new)
    }

    fn bytes(&mut self) -> Result<[u8; LEN]> {
        let mut bytes = [0; LEN];
        match self.input.read_exact(&mut bytes) {
            Ok(()) => {
                self.at += LEN as u64;
                Ok(bytes)
            }
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.refuse(TarOdd::Truncated))
            }
            Err(e) => Err(e.into()),
        }
    }

    fn skip(&mut self, len: u64) -> Result<()> {
        let n = io::copy(&mut (&mut self.input).take(len), &mut io::sink())?;
        self.at += n;
        if n < len { Err(self.refuse(TarOdd::Truncated)) } else { Ok(()) }
    }

    fn refuse(&self, odd: TarOdd) -> TarError {
        TarError::Refused { odd, offset: self.at.saturating_sub(LEN as u64) }
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.input.read(&mut buf[..want])?;
        if n == 0 && want > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= n as u64;
        self.at += n as u64;
        Ok(n)
    }
}

impl Extensions {
    fn assert_none(&self) -> std::result::Result<(), TarOdd> {
        let none = self.name.is_none() && self.link.is_none() && self.pax.is_none();
        if none { Ok(()) } else { Err(TarOdd::ExtensionOrder) }
    }

    fn long_name(&mut self, is_name: bool, text: Vec<u8>) -> std::result::Result<(), TarOdd> {
        let slot = if is_name { &mut self.name } else { &mut self.link };
        if slot.replace(text).is_some() || self.pax.is_some() {
            return Err(TarOdd::ExtensionOrder);
        }
        Ok(())
    }

    /// Long names may stand before the records, not behind them, and only before records that name nothing
    /// themselves: which name counts where both do is not agreed upon.
    fn pax(&mut self, pax: Pax) -> std::result::Result<(), TarOdd> {
        let named = self.name.is_some() || self.link.is_some();
        let names = pax.path.is_some() || pax.link.is_some();
        if self.pax.is_some() || (named && names) {
            return Err(TarOdd::ExtensionOrder);
        }
        self.pax = Some(pax);
        Ok(())
    }
}

/// The bytes behind the header. A PAX size rules, but only one that does not contradict the header:
/// where a reader knows no PAX, the two would cut the stream at different places.
fn stored_size(block: &Block, pax: Option<u64>) -> std::result::Result<u64, TarOdd> {
    let stated = block.size()?;
    match pax {
        Some(size) if i64::try_from(size).is_err() => Err(TarOdd::Number),
        Some(size) if size != stated && size <= USTAR_MAX => Err(TarOdd::SizeDisagrees),
        Some(size) => Ok(size),
        None => Ok(stated),
    }
}

fn kind(
    block: &Block,
    mut name: Vec<u8>,
    link: Vec<u8>,
) -> std::result::Result<(TarKind, Box<[u8]>), TarOdd> {
    let ends = name.ends_with(b"/");
    let target = || if link.is_empty() { Err(TarOdd::Name) } else { Ok(link.into()) };
    let kind = match block.type_flag() {
        // Before ustar a directory was a file whose name ends in a slash; whether the short or the
        // long name counts is not agreed upon.
        0 if ends && block.short_name().ends_with(b"/") => TarKind::Directory,
        0 if block.short_name().ends_with(b"/") => return Err(TarOdd::Name),
        0 | b'0' | b'S' => TarKind::File,
        b'5' => TarKind::Directory,
        b'2' => TarKind::Symlink { target: target()? },
        b'1' => TarKind::Hardlink { target: target()? },
        other => return Err(TarOdd::Type(other)),
    };
    if kind == TarKind::Directory {
        name.truncate(name.iter().rposition(|b| *b != b'/').map_or(0, |last| last + 1));
    } else if ends {
        return Err(TarOdd::Name);
    }
    if name.is_empty() { Err(TarOdd::Name) } else { Ok((kind, name.into())) }
}

fn padding(len: u64) -> u64 {
    len.wrapping_neg() % LEN as u64
}
