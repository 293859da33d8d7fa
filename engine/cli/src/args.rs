//! The command line, as it was given.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use nestr_pellets::{Digest, PelletName, Profile, Relocate};

/// Packs dependency trees into Pellets and serves the Engine.
#[derive(Debug, Parser)]
#[command(name = "nestr", version, about, propagate_version = true, subcommand_required = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve REST, WebSocket, the web page and metrics
    Serve(ServeArgs),
    /// Pack trees and look at Pellets
    #[command(subcommand)]
    Pellet(PelletCommand),
    /// Make tokens for the Engine's API
    #[command(subcommand)]
    Token(TokenCommand),
    /// Look at the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI description
    #[command(hide = true)]
    Openapi,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PelletCommand {
    /// Pack a directory into FILE.pellet and FILE.meta.json, without a running Engine
    Compress(CompressArgs),
    /// Bring a Pellet back, or a part of it; without a running Engine
    Restore(RestoreArgs),
    /// List the Pellets of the store, or the entries of an archive
    List(ListArgs),
    /// Show what a Pellet's sidecar says
    Show(ShowArgs),
    /// Compare a Pellet with its digests and explain each difference
    Verify(VerifyArgs),
    /// Show what differs between two Pellets, from their sidecars alone
    Diff(DiffArgs),
    /// Remove Pellets from the store by age, count and size; without a running Engine
    Gc(GcArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token signed with the secret of the state folder
    Create(TokenArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every value
    Show(ConfigShowArgs),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Configuration file [default: nestr.yaml in the current folder, if there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the database and the signing secret
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Where telemetry goes, the base of the OTLP/HTTP paths
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
    /// Address of REST, WebSocket and the page; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Address that serves metrics alone; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics_listen: Option<String>,
    /// Directory beneath which trees may be packed; may be repeated
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Vec<String>,
    /// Base of Perch's API
    #[arg(long, value_name = "URL")]
    pub(crate) perch_url: Option<String>,
    /// Print the bound addresses as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompressArgs {
    /// The directory to pack
    pub(crate) path: PathBuf,
    /// The archive to write; an existing one is replaced [default: NAME.pellet in the current folder].
    /// It and its sidecar have mode 0600 whatever the umask, since they hold what only the owner of the tree
    /// may read; chmod them to share them
    #[arg(long, value_name = "FILE.pellet")]
    pub(crate) output: Option<PathBuf>,
    /// Name of the Pellet [default: the directory's name]
    #[arg(long)]
    pub(crate) name: Option<PelletName>,
    /// How to pack: seekable or dense
    #[arg(long, default_value = "seekable")]
    pub(crate) profile: Profile,
    /// Pack against this earlier Pellet of the tree: what did not change since is neither hashed nor
    /// compressed again, and the bytes are the same as without it
    #[arg(long, value_name = "FILE.pellet")]
    pub(crate) base: Option<PathBuf>,
    /// Pack only what differs from the base: a delta, which needs the base to be brought back
    #[arg(long, requires = "base")]
    pub(crate) delta: bool,
    /// The most earlier Pellets that a delta may need; where it would need more, the whole tree is packed
    #[arg(long, value_name = "N", default_value = "8", requires = "delta")]
    pub(crate) max_layers: NonZeroU32,
    /// Sign with this ed25519 key: PKCS#8 in PEM, mode 0600
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
    /// Print the result as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The archive: a Pellet, or any tar, compressed with zstd or not
    pub(crate) file: PathBuf,
    /// Where the tree shall stand
    pub(crate) target: PathBuf,
    /// Bring back only this entry and what is below it
    #[arg(long, value_name = "PATH")]
    pub(crate) only: Option<PathBuf>,
    /// Replace what stands there, in one step
    #[arg(long)]
    pub(crate) replace: bool,
    /// Wait until the tree is durable before it gets its name, so that a power cut cannot empty files
    #[arg(long)]
    pub(crate) sync: bool,
    /// An earlier Pellet that a delta needs, where it is not beside it; may be repeated
    #[arg(long, value_name = "FILE.pellet")]
    pub(crate) ancestor: Vec<PathBuf>,
    /// Refuse a Pellet that this ed25519 key (PEM) did not sign; files are then never shared with a cache
    #[arg(long, value_name = "FILE", conflicts_with = "linked")]
    pub(crate) verify_key: Option<PathBuf>,
    /// Fail where the file system does not take an extended attribute, instead of counting it
    #[arg(long)]
    pub(crate) strict: bool,
    /// Folder of unpacked trees to share from, on the file system of the target
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Make files read-only hard links into the cache: the quickest, but who writes to one changes all
    #[arg(long, requires = "cache")]
    pub(crate) linked: bool,
    /// Whether scripts that name the path of the tree shall name the new one: auto or never
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub(crate) relocate: Relocate,
    /// Try whether the tree works, with the tools it belongs to; this runs what it holds
    #[arg(long, conflicts_with = "only")]
    pub(crate) verify_build: bool,
    /// Print the result as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// List the entries of this archive instead of the store
    pub(crate) file: Option<PathBuf>,
    /// Print as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The archive
    pub(crate) file: PathBuf,
    /// The digest that it must have
    #[arg(long)]
    pub(crate) digest: Option<Digest>,
    /// An earlier Pellet that a delta needs, where it is not beside it; may be repeated
    #[arg(long, value_name = "FILE.pellet")]
    pub(crate) ancestor: Vec<PathBuf>,
    /// The ed25519 key (PEM) that must have signed it
    #[arg(long, value_name = "FILE")]
    pub(crate) verify_key: Option<PathBuf>,
    /// Print the findings as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The archive before, or its sidecar
    pub(crate) before: PathBuf,
    /// The archive after, or its sidecar
    pub(crate) after: PathBuf,
    /// Print as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("limits").required(true).multiple(true))]
pub(crate) struct GcArgs {
    /// Remove Pellets that were packed longer ago: a number and s, m, h or d
    #[arg(long, value_name = "TIME", value_parser = parse_age, group = "limits")]
    pub(crate) max_age: Option<Duration>,
    /// Of what is left, keep the newest so many
    #[arg(long, value_name = "N", group = "limits")]
    pub(crate) max_count: Option<u64>,
    /// Of what is left, keep the newest whose archives fit: bytes, or a number and K, M, G or T
    #[arg(long, value_name = "SIZE", value_parser = parse_size, group = "limits")]
    pub(crate) max_bytes: Option<u64>,
    /// Say what would go and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The archive, or its sidecar
    pub(crate) file: PathBuf,
    /// Print the whole sidecar as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// How long the token is valid: a number and s, m, h or d
    #[arg(long, default_value = "8h", value_parser = parse_duration)]
    pub(crate) ttl: Duration,
    /// Whom it names
    #[arg(long, env = "USER", default_value = "local", hide_env_values = true)]
    pub(crate) subject: String,
    /// Print token and expiry as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// Say where each value comes from
    #[arg(long)]
    pub(crate) origin: bool,
    /// Print as one JSON line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: ConfigArgs,
}

/// A token that never expires is a password; a year is the most.
const MAX_TTL: Duration = Duration::from_secs(365 * 24 * 3600);

fn parse_duration(text: &str) -> Result<Duration, String> {
    match parse_age(text)? {
        ttl if ttl > MAX_TTL => Err("at most 365d".to_owned()),
        ttl => Ok(ttl),
    }
}

fn parse_size(text: &str) -> Result<u64, String> {
    let refused = || format!("{text:?} is not a size; write 500M, 20G or a number of bytes");
    let unit = text.chars().next_back().ok_or_else(refused)?;
    let shift = match unit.to_ascii_uppercase() {
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => 0,
    };
    let digits = if shift > 0 { &text[..text.len() - 1] } else { text };
    let count: u64 = digits.parse().map_err(|_| refused())?;
    count.checked_mul(1 << shift).ok_or_else(refused)
}

fn parse_age(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a duration; write 30s, 15m, 8h or 7d");
    let (at, unit) = text.char_indices().next_back().ok_or_else(refused)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        _ => return Err(refused()),
    };
    let count: u64 = text[..at].parse().map_err(|_| refused())?;
    let seconds = count.checked_mul(factor).ok_or_else(refused)?;
    match Duration::from_secs(seconds) {
        Duration::ZERO => Err(refused()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        for (text, bytes) in [("0", 0), ("512", 512), ("2k", 2048), ("20G", 20 << 30)] {
            assert_eq!(parse_size(text), Ok(bytes));
        }
        for text in ["", "G", "1.5G", "-1", "1GB", "99999999T", "1é"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(parse_age("400d").unwrap().as_secs(), 400 * 24 * 3600);
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, seconds) in [("30s", 30), ("15m", 900), ("8h", 28_800), ("365d", 31_536_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "h", "8", "8 h", "-1h", "0s", "366d", "8y", "99999999999999999999d", "8µ"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
