//! Programs that run as an ordinary user, in a folder of their own, until who started them ends.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// For what takes seconds, on a machine that may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// A command as the user who may run servers: most of them refuse root.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    static ROOT: OnceLock<bool> = OnceLock::new();
    let root = *ROOT.get_or_init(|| {
        let id = Command::new("id").arg("-u").output();
        id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    });
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program.as_ref());
        command
    } else {
        Command::new(program.as_ref())
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Where a program is: in `PATH`, or where Debian puts those that only root has in it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|program| program.exists())
}

/// Whether nothing is missing. If something is, says that tests are skipped, or fails where the variable `required` is
/// set.
pub(crate) fn nothing_is_missing(missing: Option<&str>, required: &str) -> bool {
    let Some(missing) = missing else { return true };
    assert!(
        env::var_os(required).is_none(),
        "{required} is set, and {missing}"
    );
    // Not `eprintln!`, which is shown only of tests that fail.
    let line = format!("SKIPPED: {missing}\n");
    std::io::stderr()
        .write_all(line.as_bytes())
        .expect("stderr is open");
    false
}

/// A port of 127.0.0.1 on which nobody listens. Not one of those that connections go out from: while a server is down
/// one of them might take its port.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 15_000;
    const COUNT: u32 = 17_000;
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    let next = NEXT.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = now.map_or(0, |now| now.subsec_nanos());
        AtomicU32::new(nanoseconds.wrapping_add(std::process::id().wrapping_mul(61)))
    });
    let mut ports = (0..COUNT).filter_map(|_| {
        let number = next.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = u16::try_from(FIRST.saturating_add(number)).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok().map(|_| port)
    });
    ports.next().expect("a port is free")
}

/// Waits until something is so, and asks every twentieth of a second.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A folder under `/tmp`, what is started in it, and who ends that and deletes the folder.
pub(crate) struct Folder {
    path: PathBuf,
    /// Does so once the pipe to it closes: when this is dropped, and when the process ends without dropping it, as with
    /// statics, or is killed.
    watchdog: Child,
}

/// Programs by the ids that they left, unless an id is another's by now; then PostgreSQL's servers, whoever started
/// them, woken if they are frozen.
const IN_THE_END: &str = r#"
cat > /dev/null
for file in "$0"/*.pid; do
    pid=$(cat "$file" 2> /dev/null) && grep -qF "$0" "/proc/$pid/cmdline" && kill -KILL "$pid"
done
for file in "$0"/data/postmaster.pid "$0"/*/data/postmaster.pid; do
    pid=$(head -n 1 "$file" 2> /dev/null) || continue
    kill -QUIT "$pid" && kill -CONT "$pid"
    tries=0
    while kill -0 "$pid" && [ $tries -lt 600 ]; do sleep 0.05; tries=$((tries + 1)); done
done
rm -rf "$0"
"#;

impl Folder {
    pub(crate) fn new(kind: &str) -> Self {
        let pattern = format!("/tmp/tenancy-{kind}-XXXXXXXX");
        let made = run(command("/usr/bin/env").args(["mktemp", "-d", &pattern]));
        let path = PathBuf::from(String::from_utf8_lossy(&made.stdout).trim());
        let watchdog = command("/bin/sh")
            .args(["-c", IN_THE_END])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C is for who started it, not for who cleans up after it
            .spawn()
            .expect("a shell starts");
        Self { path, watchdog }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in it, as text for a configuration.
    pub(crate) fn text(&self, file: &str) -> String {
        self.path.join(file).display().to_string()
    }

    /// Adds to a file of the user who runs the servers.
    pub(crate) fn append(&self, file: &str, text: &str) {
        run(command("/bin/sh")
            .args(["-c", "printf '%s' \"$2\" >> \"$1\"", "sh"])
            .arg(self.path.join(file))
            .arg(text));
    }

    /// Starts a program under a name. Its arguments must name something in this folder: by that the watchdog knows it.
    pub(crate) fn start(&self, name: &str, program: &Path, arguments: &[&str]) {
        let script =
            "echo $$ > \"$0.pid\"; program=$1; shift; exec \"$program\" \"$@\" >> \"$0.log\" 2>&1";
        let mut shell = command("/bin/sh")
            .args(["-c", script])
            .arg(self.path.join(name))
            .arg(program)
            .args(arguments)
            .env("HOME", &self.path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell starts");
        thread::spawn(move || shell.wait()); // so that one that was killed is gone
    }

    /// The id of a program that was started, or of a server by the path of its `postmaster.pid`.
    pub(crate) fn pid(&self, file: &str) -> Option<u32> {
        let text = fs::read_to_string(self.path.join(file)).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// What a program wrote, for who wonders why it doesn't answer.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path.join(format!("{name}.log"))).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Sends a signal to processes, of which some may have ended.
pub(crate) fn signal(signal: &str, pids: impl IntoIterator<Item = u32>) {
    let sent = command("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$@\"", signal])
        .args(pids.into_iter().map(|pid| pid.to_string()))
        .output();
    sent.expect("a shell starts");
}

/// The processes whose parent a process is.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let children = processes.filter_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        (line.trim().parse() == Ok(parent)).then_some(pid)
    });
    children.collect()
}
