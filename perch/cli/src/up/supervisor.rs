//! Keeps one component running: starts it, waits until it is ready, restarts it when it dies.
//!
//! # Invariants
//! 1. A component that was never ready is not restarted: its first failure is the user's to see.
//! 2. The wait before a restart doubles from [`FIRST_WAIT`] to [`LONGEST_WAIT`] and starts anew once
//!    the component has been up for [`SETTLED`].

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::process::{Process, Program, Stop, last_lines};
use crate::http::Client;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const SETTLED: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// Something to keep running.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// Its name, for people and in JSON.
    pub(super) name: &'static str,
    /// The address people use, as a URL where it is one.
    pub(super) address: String,
    /// Whether nothing works without it.
    pub(super) required: bool,
    /// What to start.
    pub(super) program: Program,
    /// Answers 200 when it can be used.
    pub(super) ready_url: String,
    /// How long it may take until then.
    pub(super) ready_within: Duration,
    /// How long it may take to end when asked.
    pub(super) stop_within: Duration,
    /// Files it needs, written before the first start.
    pub(super) files: Vec<(PathBuf, String)>,
}

/// What a component is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Started, not ready yet.
    Starting,
    /// Ready, with the time the first start took.
    Ready {
        /// Its process id.
        pid: i32,
        /// From start to ready.
        took: Duration,
    },
    /// Died after it was ready; it is started again.
    Restarting,
    /// Never became ready; the reason for people.
    Failed(String),
    /// Ended because it was asked to.
    Stopped(Stop),
}

/// The handle to a supervised component.
#[derive(Debug)]
pub(super) struct Supervised {
    /// What it is.
    pub(super) component: Component,
    /// What it is doing.
    pub(super) state: watch::Receiver<State>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Supervisor {
    component: Component,
    client: Client,
    state: watch::Sender<State>,
    stop: watch::Receiver<bool>,
    /// Whether it has ever been ready.
    proven: bool,
}

/// How one run of the process ended.
enum Run {
    /// It was asked to stop.
    Asked(Stop),
    /// It ended by itself, or never came up.
    Ended { why: String, up_for: Duration },
}

impl Supervised {
    /// Starts the component on the current thread's runtime.
    pub(super) fn start(component: Component, client: Client) -> Self {
        let (state, watch_state) = watch::channel(State::Starting);
        let (stop, stopped) = watch::channel(false);
        let supervisor = Supervisor {
            component: component.clone(),
            client,
            state,
            stop: stopped,
            proven: false,
        };
        let task = tokio::spawn(supervisor.run());
        Self { component, state: watch_state, stop, task }
    }

    /// Waits until it is ready or has failed.
    pub(super) async fn settled(&self) -> State {
        let mut state = self.state.clone();
        let settled = state.wait_for(|s| !matches!(s, State::Starting)).await;
        settled.map_or_else(|_| State::Failed("its supervisor ended".into()), |s| s.clone())
    }

    /// Asks it to stop and waits for its end.
    pub(super) async fn stop(self) -> (Component, State) {
        let _ = self.stop.send(true);
        // A supervisor that panicked has dropped its process, which kills it.
        let _ = self.task.await;
        let state = self.state.borrow().clone();
        (self.component, state)
    }
}

impl Supervisor {
    async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.run_once().await {
                Run::Asked(stop) => return self.become_state(State::Stopped(stop)),
                Run::Ended { why, .. } if !self.proven => {
                    return self.become_state(State::Failed(why));
                }
                Run::Ended { why, up_for } => {
                    if up_for >= SETTLED {
                        wait = FIRST_WAIT;
                    }
                    self.tell(&why, wait);
                }
            }
            self.become_state(State::Restarting);
            let asked = tokio::time::timeout(wait, asked_to_stop(&mut self.stop)).await.is_ok();
            if asked {
                return self.become_state(State::Stopped(Stop::Graceful));
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn run_once(&mut self) -> Run {
        let started = Instant::now();
        let mut process = match self.component.program.start() {
            Ok(process) => process,
            Err(error) => {
                let path = self.component.program.path.display();
                return Run::Ended {
                    why: format!("could not start {path}: {error}"),
                    up_for: Duration::ZERO,
                };
            }
        };
        let mut stop = self.stop.clone();
        let ready = tokio::select! {
            ended = process.wait() => return Run::Ended { why: describe(ended), up_for: started.elapsed() },
            () = asked_to_stop(&mut stop) => return self.asked(&mut process).await,
            ready = tokio::time::timeout(self.component.ready_within, self.answers()) => ready.is_ok(),
        };
        if !ready {
            let _ = process.stop(self.component.stop_within).await;
            let seconds = self.component.ready_within.as_secs();
            return Run::Ended {
                why: format!("not ready within {seconds} s"),
                up_for: started.elapsed(),
            };
        }
        if self.proven {
            tracing::info!(component = self.component.name, pid = process.id(), "ready again");
        }
        self.proven = true;
        self.become_state(State::Ready { pid: process.id(), took: started.elapsed() });
        tokio::select! {
            ended = process.wait() => Run::Ended { why: describe(ended), up_for: started.elapsed() },
            () = asked_to_stop(&mut stop) => self.asked(&mut process).await,
        }
    }

    async fn asked(&self, process: &mut Process) -> Run {
        match process.stop(self.component.stop_within).await {
            Ok(stop) => Run::Asked(stop),
            Err(_) => Run::Asked(Stop::Killed),
        }
    }

    /// Polls the readiness URL until it answers 200.
    async fn answers(&self) {
        loop {
            let reply = self.client.get(&self.component.ready_url, None).await;
            if reply.is_ok_and(|r| r.status.is_success()) {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn tell(&self, why: &str, wait: Duration) {
        let component = self.component.name;
        let restart_in_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(component, why, restart_in_ms, "component died");
        for line in last_lines(&self.component.program.log) {
            tracing::warn!(component, line, "its last lines");
        }
    }

    fn become_state(&self, state: State) {
        self.state.send_replace(state);
    }
}

/// Returns once stopping was asked for, or nobody is left to ask.
async fn asked_to_stop(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|asked| *asked).await;
}

fn describe(ended: std::io::Result<ExitStatus>) -> String {
    match ended {
        Ok(status) => format!("ended with {status}"),
        Err(error) => format!("could not be waited for: {error}"),
    }
}
