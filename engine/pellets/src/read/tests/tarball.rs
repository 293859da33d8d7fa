//! Builds tar streams that no tar would write.

/// A tar stream as it grows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tarball(Vec<u8>);

/// Whether a header is of the GNU dialect; ustar otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gnu(pub(crate) bool);

impl Tarball {
    /// A header of the ustar dialect, mode 0644, mtime 0.
    pub(crate) fn header(flag: u8, name: &[u8], size: u64) -> [u8; 512] {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = flag;
        block[257..265].copy_from_slice(b"ustar\x0000");
        block
    }

    /// Appends a header with its checksum, changed by `change` before.
    pub(crate) fn put(mut self, mut block: [u8; 512], change: impl FnOnce(&mut [u8; 512])) -> Self {
        change(&mut block);
        block[148..156].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&block);
        self
    }

    /// Appends bytes and pads them to whole blocks.
    pub(crate) fn data(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    /// Appends an entry of any type.
    pub(crate) fn entry(self, flag: u8, name: &[u8], link: &[u8], content: &[u8]) -> Self {
        self.put(Self::header(flag, name, content.len() as u64), |b| {
            b[157..157 + link.len()].copy_from_slice(link);
        })
        .data(content)
    }

    pub(crate) fn file(self, name: &[u8], content: &[u8]) -> Self {
        self.entry(b'0', name, b"", content)
    }

    pub(crate) fn dir(self, name: &[u8]) -> Self {
        self.put(Self::header(b'5', name, 0), |b| b[100..108].copy_from_slice(b"0000755\0"))
    }

    pub(crate) fn symlink(self, name: &[u8], target: &[u8]) -> Self {
        self.entry(b'2', name, target, b"")
    }

    pub(crate) fn hardlink(self, name: &[u8], target: &[u8]) -> Self {
        self.entry(b'1', name, target, b"")
    }

    /// A GNU long name (`L`) or link target (`K`).
    pub(crate) fn long(self, flag: u8, text: &[u8]) -> Self {
        self.long_in(Gnu(true), flag, &[text, b"\0"].concat())
    }

    pub(crate) fn long_in(self, gnu: Gnu, flag: u8, payload: &[u8]) -> Self {
        self.put(Self::header(flag, b"././@LongLink", payload.len() as u64), |b| {
            if gnu.0 {
                b[257..265].copy_from_slice(b"ustar  \0");
            }
        })
        .data(payload)
    }

    /// A PAX header (`x`, or `g` for all that follow) with these records.
    pub(crate) fn pax(self, flag: u8, records: &[(&str, &[u8])]) -> Self {
        let payload = pax(records);
        self.entry(flag, b"PaxHeaders/x", b"", &payload)
    }

    /// The stream with its end.
    pub(crate) fn end(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }

    /// The stream as it is.
    pub(crate) fn open_end(self) -> Vec<u8> {
        self.0
    }
}

/// PAX records, each with its own length before it.
pub(crate) fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let digits = |n: usize| n.to_string().len();
        let len = rest + digits(rest + digits(rest));
        out.extend_from_slice(format!("{len} {key}=").as_bytes());
        out.extend_from_slice(value);
        out.push(b'\n');
    }
    out
}
