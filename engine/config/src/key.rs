//! The closed list of keys, each with its default and its meaning.

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One value.
    One,
    /// A list; in a variable or flag its items are separated by commas.
    Many,
}

macro_rules! keys {
    ($($variant:ident $name:literal $shape:ident $default:literal $meaning:literal;)*) => {
        /// A key of the configuration.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Key {
            $(#[doc = concat!("`", $name, "`: ", $meaning)] $variant,)*
        }

        impl Key {
            /// All keys in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name with dots, as in `server.listen`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What the key decides, with its unit.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// The default as text; empty where it follows from other keys.
            pub(crate) fn default(self) -> &'static str {
                match self { $(Self::$variant => $default,)* }
            }

            pub(crate) fn shape(self) -> Shape {
                match self { $(Self::$variant => Shape::$shape,)* }
            }
        }
    };
}

keys! {
    ServerListen "server.listen" One "127.0.0.1:8080"
        "Address of REST, WebSocket and the page; port 0 picks a free one.";
    ServerMetricsListen "server.metrics_listen" One "127.0.0.1:9090"
        "Address of the listener that serves /metrics alone.";
    ServerAllowedHosts "server.allowed_hosts" Many ""
        "Host names that requests may carry beside the loopback's.";
    Roots "roots" Many ""
        "Folders beneath which trees may be packed; none by default.";
    StateDir "state_dir" One ""
        "Folder of the event log and the keys; $XDG_STATE_HOME/nestr or ~/.local/state/nestr.";
    PelletsStoreDir "pellets.store_dir" One ""
        "Folder of the Pellets; pellets beneath the state folder.";
    PelletsThreads "pellets.threads" One ""
        "Threads that compress one Pellet; as many as the machine runs at once.";
    PelletsQuota "pellets.quota" One ""
        "Bytes that the archives of the store may take; the oldest go after a packing. No limit by default.";
    PelletsSignKey "pellets.sign_key" One ""
        "File of the ed25519 key in PEM, mode 0600, that signs what the Engine packs; nothing is signed without it.";
    PelletsTrustedKeys "pellets.trusted_keys" Many ""
        "Files of public keys in PEM; where there are any, only what one of them signed is brought back.";
    PelletsVerifyBuild "pellets.verify_build" One "false"
        "Whether a restore may be asked to run the tools of the tree as proof: they run what the tree holds.";
    TelemetryEnabled "telemetry.enabled" One "true"
        "Whether traces, metrics and logs are sent to the collector.";
    TelemetryOtlpEndpoint "telemetry.otlp_endpoint" One "http://127.0.0.1:4318"
        "Where OTLP goes over HTTP.";
    PerchUrl "perch.url" One "http://127.0.0.1:8888"
        "Base of Perch's API, which the Engine reads for its page.";
    LogLevel "log.level" One "info"
        "The least severe record that is kept: error, warn, info, debug or trace.";
    LogFormat "log.format" One "text"
        "How records are written to standard error: text or json.";
}

impl Key {
    /// The key of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|key| key.name() == name)
    }

    /// The variable that sets the key: `NESTR__SERVER__LISTEN`.
    #[must_use]
    pub fn variable(self) -> String {
        format!("NESTR__{}", self.name().to_uppercase().replace('.', "__"))
    }

    /// Whether `name` is a section, the first half of some key.
    pub(crate) fn is_section(name: &str) -> bool {
        Self::ALL.iter().any(|key| key.name().split_once('.').is_some_and(|(s, _)| s == name))
    }

    /// The key or section most like `name`, where one is like it at all.
    pub(crate) fn like(name: &str) -> Option<&'static str> {
        let sections = Self::ALL.iter().filter_map(|key| Some(key.name().split_once('.')?.0));
        Self::ALL
            .iter()
            .map(|key| key.name())
            .chain(sections.filter(|_| !name.contains('.')))
            .map(|known| (strsim::damerau_levenshtein(known, name), known))
            .min()
            .filter(|(distance, known)| *distance <= known.len().div_ceil(3))
            .map(|(_, known)| known)
            .or_else(|| Self::ending(name))
    }

    /// The only key whose last part `name` is, given without its section or in a wrong one.
    fn ending(name: &str) -> Option<&'static str> {
        let last = name.rsplit('.').next()?;
        let mut fits = Self::ALL.iter().filter(|key| key.name().rsplit('.').next() == Some(last));
        match (fits.next(), fits.next()) {
            (Some(only), None) => Some(only.name()),
            _ => None,
        }
    }
}
