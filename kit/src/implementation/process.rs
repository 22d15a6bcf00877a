// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! An implementation behind a pipe: a program that reads machines and writes reports.
//!
//! It is started once, and sent one line for each machine, which has a number, `id`, besides; it answers
//! each with one line, which repeats that. Nothing that it does is trusted: it may die, say nothing, or never stop talking. Then it is ended, the machine in
//! question has no report, and the next one is sent to a new process.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ccwtool::printable;
use serde::Serialize;
use serde_json::Value;

use super::{Failure, Implementation, Report};
use crate::machine::Machine;

/// What a process may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for one machine.
    pub time: Duration,
    /// Bytes of a report.
    pub line: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            line: 16 << 20,
        }
    }
}

/// Bytes of what it complains about that are kept, the last ones.
const COMPLAINTS: usize = 2048;
/// Bytes of a report that are quoted.
const QUOTED: usize = 200;

/// A program of somebody else's.
#[derive(Debug)]
pub struct Process {
    name: String,
    command: String,
    limits: Limits,
    running: Option<Running>,
    asked: u64,
}

#[derive(Serialize)]
struct Request<'a> {
    id: u64,
    #[serde(flatten)]
    machine: &'a Machine,
}

#[derive(Debug)]
struct Running {
    child: Child,
    requests: Sender<Vec<u8>>,
    lines: Receiver<Line>,
    complaints: Arc<Mutex<Vec<u8>>>,
    /// Ends with the last of these.
    silence: Receiver<()>,
}

#[derive(Debug)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
    End,
}

impl Process {
    /// What `sh` makes of `exec command`, so of a single one; it is started with the first machine.
    pub fn new(command: &str, limits: Limits) -> Self {
        Self {
            name: format!("exec:{command}"),
            command: command.to_owned(),
            limits,
            running: None,
            asked: 0,
        }
    }

    /// Ends the process; `what` it did, and what it said about it.
    fn give_up(&mut self, what: &str) -> Failure {
        let Some(mut running) = self.running.take() else {
            return Failure(what.to_owned());
        };
        // Of one that has ended by itself it is known how; one that closed its output is about to.
        let ended = running.wait_a_little();
        let ended = match ended {
            Some(status) => format!(" ({status})"),
            None => String::new(),
        };
        let said = running.complaints();
        let said = match said.is_empty() {
            true => "; it said nothing on standard error".to_owned(),
            false => format!("; the last that it said on standard error:\n{said}"),
        };
        Failure(format!("{what}{ended}{said}"))
    }
}

/// Why there is no line.
enum Ended {
    /// It ended, and all was well.
    WithoutFault,
    Failed(Failure),
}

impl Process {
    /// What it writes when it is asked this; it is started if it does not run.
    fn line(&mut self, request: &[u8]) -> Result<Vec<u8>, Ended> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(start(&self.command, self.limits.line).map_err(Ended::Failed)?),
        };
        // It may be gone; then its output ends.
        let _ = running.requests.send(request.to_vec());
        let what = match running.lines.recv_timeout(self.limits.time) {
            Ok(Line::Whole(line)) => return Ok(line),
            Ok(Line::TooLong) => format!("wrote a line of more than {} bytes", self.limits.line),
            Err(RecvTimeoutError::Timeout) => {
                format!("did not answer within {:?}", self.limits.time)
            }
            Ok(Line::End) | Err(RecvTimeoutError::Disconnected) => {
                if running
                    .wait_a_little()
                    .is_some_and(|status| status.success())
                {
                    self.running = None;
                    return Err(Ended::WithoutFault);
                }
                "ended without a report".to_owned()
            }
        };
        Err(Ended::Failed(self.give_up(&what)))
    }
}

impl Implementation for Process {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self, machine: &Machine) -> Result<Report, Failure> {
        self.asked += 1;
        let id = self.asked;
        let mut request = serde_json::to_vec(&Request { id, machine })
            .map_err(|error| Failure(format!("the machine cannot be written: {error}")))?;
        request.push(b'\n');
        let line = match self.line(&request) {
            // It chose to end after its last report, as one does that takes a single machine.
            Err(Ended::WithoutFault) => self.line(&request),
            line => line,
        };
        let line = line.map_err(|ended| match ended {
            Ended::WithoutFault => {
                Failure("ended without a report, and without saying so by its exit code".to_owned())
            }
            Ended::Failed(failure) => failure,
        })?;
        report(&line, id).map_err(|why| {
            let quoted = String::from_utf8_lossy(&line[..line.len().min(QUOTED)]).into_owned();
            let (why, quoted) = (printable(&why), printable(quoted.trim_end()));
            self.give_up(&format!("wrote what is no report ({why}): {quoted}"))
        })
    }
}

/// The report in `line`, if it is about machine `id`.
fn report(line: &[u8], id: u64) -> Result<Report, String> {
    let mut line: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let told = line.as_object_mut().and_then(|line| line.remove("id"));
    match told {
        Some(told) if told == id => {}
        Some(told) => return Err(format!("its id is {told}, not {id}")),
        None => return Err(format!("it has no id, which is {id}")),
    }
    serde_json::from_value(line).map_err(|error| error.to_string())
}

/// What a process does that is an implementation: answers each machine in `input` on `output`, up to the
/// end.
///
/// # Errors
///
/// When a line is no machine, there is no report, or the pipes break.
pub fn serve(
    implementation: &mut dyn Implementation,
    input: impl BufRead,
    mut output: impl Write,
) -> io::Result<()> {
    for line in input.lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let id = request.get("id").cloned();
        let machine: Machine = serde_json::from_value(request)?;
        let report = implementation.run(&machine).map_err(io::Error::other)?;
        let mut line = serde_json::to_value(report)?;
        if let (Some(id), Some(line)) = (id, line.as_object_mut()) {
            line.insert("id".to_owned(), id);
        }
        writeln!(output, "{line}")?;
        output.flush()?;
    }
    Ok(())
}

/// Starts what `sh` makes of `command`.
fn start(command: &str, limit: usize) -> Result<Running, Failure> {
    // The shell makes way for it, so that whoever ends the one ends the other.
    let mut child = Command::new("sh")
        .args(["-c", &format!("exec {}", command)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure(format!("cannot be started: {error}")))?;
    let (Some(to), Some(from), Some(aside)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(Failure("has no pipes".to_owned()));
    };
    let (requests, taken) = channel();
    // One line in advance: who talks without being asked waits.
    let (told, lines) = sync_channel(1);
    let complaints = Arc::<Mutex<Vec<u8>>>::default();
    // Each ends with its pipe.
    thread::spawn(move || write(to, &taken));
    thread::spawn(move || read(from, limit, &told));
    let kept = Arc::clone(&complaints);
    let (talking, silence) = channel();
    thread::spawn(move || {
        listen(aside, &kept);
        drop(talking);
    });
    Ok(Running {
        child,
        requests,
        lines,
        complaints,
        silence,
    })
}

impl Running {
    /// How it ended, if it does so now.
    fn wait_a_little(&mut self) -> Option<std::process::ExitStatus> {
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                // What it said last may still be on its way, and whoever it started may hold the pipe.
                let _ = self.silence.recv_timeout(Duration::from_millis(200));
                return Some(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        None
    }

    fn complaints(&self) -> String {
        let kept = self.complaints.lock();
        let text = kept.map(|kept| String::from_utf8_lossy(&kept).into_owned());
        let text = text.unwrap_or_default();
        let lines: Vec<String> = text.trim().lines().map(printable).collect();
        lines.join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(mut to: ChildStdin, requests: &Receiver<Vec<u8>>) {
    while let Ok(request) = requests.recv() {
        if to.write_all(&request).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}

fn read(from: ChildStdout, limit: usize, lines: &SyncSender<Line>) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        let most = limit as u64 + 1;
        let read = from.by_ref().take(most).read_until(b'\n', &mut line);
        let last = match read {
            Ok(_) if line.ends_with(b"\n") => Line::Whole(line),
            Ok(len) if len > limit => Line::TooLong,
            // Half a line is none.
            Ok(_) | Err(_) => Line::End,
        };
        let over = !matches!(last, Line::Whole(_));
        if lines.send(last).is_err() || over {
            return;
        }
    }
}

/// Keeps the end of what comes.
fn listen(mut aside: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut piece = [0; 512];
    while let Ok(len @ 1..) = aside.read(&mut piece) {
        let Ok(mut kept) = kept.lock() else { return };
        kept.extend_from_slice(&piece[..len]);
        let old = kept.len().saturating_sub(COMPLAINTS);
        kept.drain(..old);
    }
}
