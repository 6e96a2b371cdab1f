//! The unit files. Each line that is not self-explaining says why it is there, in the file itself.

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use anet_protocol::exit_code::ExitCode;

use crate::failure::Failure;

/// The name of the units of a supervisor.
pub(super) const SUPERVISOR: &str = "anet";
/// The name of the unit of a hub without a supervisor.
pub(super) const HUB: &str = "anet-hub";

/// What a unit is made from.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The program file; absolute.
    pub(super) executable: PathBuf,
    /// `~/.anet`; absolute.
    pub(super) home: PathBuf,
    /// The hub's database; absolute.
    pub(super) database: PathBuf,
    /// For the machine's service manager: the user to run as.
    pub(super) run_as: Option<String>,
    /// The hub alone, without a supervisor.
    pub(super) hub_only: bool,
}

/// With the version that wrote it, by which `anet doctor` knows a unit of another version.
fn stamped(text: &str) -> String {
    format!("# anet {}\n{text}", env!("CARGO_PKG_VERSION"))
}

impl Plan {
    /// File names and contents.
    ///
    /// # Errors
    /// When a path cannot be written into a unit file.
    pub(super) fn files(&self) -> Result<Vec<(String, String)>, Failure> {
        if self.hub_only {
            return Ok(vec![(format!("{HUB}.service"), stamped(&self.hub()?))]);
        }
        Ok(vec![
            (format!("{SUPERVISOR}.socket"), stamped(&self.socket()?)),
            (format!("{SUPERVISOR}.service"), stamped(&self.supervisor()?)),
        ])
    }

    /// The units that are enabled.
    pub(super) fn units(&self) -> Vec<String> {
        if self.hub_only {
            vec![format!("{HUB}.service")]
        } else {
            vec![format!("{SUPERVISOR}.socket"), format!("{SUPERVISOR}.service")]
        }
    }

    /// What must be there before systemd starts it: systemd makes the directory of a socket as root, and refuses a service
    /// whose writable directories are not there.
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        let own =
            if self.hub_only { self.database.parent().map(Path::to_path_buf) } else { Some(self.home.join("run")) };
        own.into_iter().chain([self.home.clone()]).collect()
    }

    fn socket(&self) -> Result<String, Failure> {
        let socket = quoted(&self.home.join("run/supervisor.sock"), Quoting::Plain)?;
        let mut text =
            String::from("[Unit]\nDescription=The socket on which the anet supervisor is asked\n\n[Socket]\n");
        line(&mut text, "systemd listens here, so that no command is refused while the supervisor is restarted.");
        add(&mut text, format_args!("ListenStream={socket}\nFileDescriptorName=control"));
        text += "SocketMode=0600\nDirectoryMode=0700\nRemoveOnStop=yes\n";
        if let Some(user) = &self.run_as {
            add(&mut text, format_args!("SocketUser={user}"));
        }
        text += "\n[Install]\nWantedBy=sockets.target\n";
        Ok(text)
    }

    fn supervisor(&self) -> Result<String, Failure> {
        let program = quoted(&self.executable, Quoting::Command)?;
        let home = quoted(&self.home, Quoting::Assignment)?;
        let mut text = String::from("[Unit]\nDescription=anet supervisor: keeps the hub and the agent nodes alive\n");
        text += "Documentation=man:anet(1)\n";
        self.after_network(&mut text);
        line(&mut text, "It is never given up: the pause between two starts grows instead.");
        text += "StartLimitIntervalSec=0\n\n[Service]\n";
        line(&mut text, "It says itself when it is ready, when it reads its settings, and that it is not stuck.");
        text += "Type=notify\nNotifyAccess=main\nWatchdogSec=30\n";
        add(&mut text, format_args!("ExecStart={program} supervisor run\nExecReload={program} supervisor reload"));
        line(&mut text, "A stop is the supervisor's own: every process that descends from a node ends. After a crash");
        line(&mut text, "there is no main process, nothing is stopped, and the next supervisor takes over what runs.");
        add(&mut text, format_args!("ExecStop={program} supervisor stop --main-pid=${{MAINPID}}"));
        text += "KillMode=process\nTimeoutStopSec=60\n";
        add(&mut text, format_args!("Environment={home}"));
        restart_lines(&mut text);
        line(&mut text, "Each start of a node gets a control group of its own below this one.");
        text += "Delegate=yes\n# (systemd 254 and later)\nDelegateSubgroup=supervisor\n";
        line(&mut text, "One node that runs out of memory is that node's matter.");
        text += "OOMPolicy=continue\n";
        line(&mut text, "Agents start many processes; the limits of each are in supervisor.toml.");
        text += "TasksMax=infinity\nUMask=0077\n";
        text += "\n# Hardening. The agents below this unit are whatever a person lets them be, so what would take\n";
        text +=
            "# their tools away stays open: home directories, devices, namespaces, memory that is written and run.\n";
        self.identity(&mut text);
        for (directive, reason) in SUPERVISOR_HARDENING {
            line(&mut text, reason);
            add(&mut text, format_args!("{directive}"));
        }
        if self.run_as.is_some() {
            for (directive, reason) in MACHINE_HARDENING {
                line(&mut text, reason);
                add(&mut text, format_args!("{directive}"));
            }
        }
        self.install(&mut text);
        Ok(text)
    }

    fn hub(&self) -> Result<String, Failure> {
        let program = quoted(&self.executable, Quoting::Command)?;
        let home = quoted(&self.home, Quoting::Assignment)?;
        let directory = self.database.parent().unwrap_or(&self.database);
        let mut text = String::from("[Unit]\nDescription=anet hub\nDocumentation=man:anet(1)\n");
        self.after_network(&mut text);
        text += "StartLimitIntervalSec=0\n\n[Service]\nType=notify\nNotifyAccess=main\nWatchdogSec=60\n";
        let database = quoted(&self.database, Quoting::Command)?;
        add(&mut text, format_args!("ExecStart={program} hub run --database {database}\nEnvironment={home}"));
        line(&mut text, "The hub's settings, one NAME=value a line (.env.example has them all); may be absent.");
        add(&mut text, format_args!("EnvironmentFile=-{}", quoted(&self.home.join("hub.env"), Quoting::Plain)?));
        restart_lines(&mut text);
        text += "TimeoutStopSec=30\nUMask=0077\n\n# Hardening: the hub runs nobody's programs, so nearly everything is closed.\n";
        self.identity(&mut text);
        line(&mut text, "It writes its database and its logs, and nothing else.");
        text += "ProtectSystem=strict\n";
        for path in [directory, &self.home] {
            add(&mut text, format_args!("ReadWritePaths={}", quoted(path, Quoting::Command)?));
        }
        let all = SUPERVISOR_HARDENING.iter().chain(MACHINE_HARDENING).chain(HUB_HARDENING);
        // A list of what is allowed takes the place of the list of what is not, and the last `ProtectSystem` counts.
        let is_weaker =
            |directive: &str| directive.starts_with("SystemCallFilter=~@clock") || directive == "ProtectSystem=full";
        for (directive, reason) in all.filter(|(directive, _)| !is_weaker(directive)) {
            line(&mut text, reason);
            add(&mut text, format_args!("{directive}"));
        }
        self.install(&mut text);
        Ok(text)
    }

    fn after_network(&self, text: &mut String) {
        // A user's manager has no such target.
        if self.run_as.is_some() {
            *text += "Wants=network-online.target\nAfter=network-online.target\n";
        }
    }

    fn identity(&self, text: &mut String) {
        if let Some(user) = &self.run_as {
            add(text, format_args!("User={user}"));
        }
    }

    fn install(&self, text: &mut String) {
        let target = if self.run_as.is_some() { "multi-user.target" } else { "default.target" };
        add(text, format_args!("\n[Install]\nWantedBy={target}"));
    }
}

/// What holds for whatever an agent may want to do.
const SUPERVISOR_HARDENING: &[(&str, &str)] = &[
    ("NoNewPrivileges=yes", "No program below may become another user, whatever bits its file has."),
    ("RestrictSUIDSGID=yes", "Nor leave a file behind with which one could later."),
    ("RestrictRealtime=yes", "Nobody needs to hold the processor against all others."),
    ("LockPersonality=yes", "Old execution domains are a way around address randomisation."),
    ("SystemCallArchitectures=native", "One set of system calls is enough to guard."),
    (
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        "Sockets of the network and of the machine; no raw packets, no exotic protocols.",
    ),
];

/// What only the machine's service manager can do without taking something away from agents.
const MACHINE_HARDENING: &[(&str, &str)] = &[
    ("CapabilityBoundingSet=", "No process below has a capability of root."),
    ("AmbientCapabilities=", "Nor is given one."),
    ("ProtectSystem=full", "The system's own files are read-only."),
    ("ProtectClock=yes", "Nobody sets the clock."),
    ("ProtectHostname=yes", "Nobody renames the machine."),
    ("ProtectKernelTunables=yes", "Nobody tunes the kernel."),
    ("ProtectKernelModules=yes", "Nobody loads code into it."),
    ("ProtectKernelLogs=yes", "Nobody reads its log."),
    ("KeyringMode=private", "The user's kernel keyring is not shared."),
    (
        "SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap",
        "System calls for the machine as a whole; they fail instead of killing the caller.",
    ),
    ("SystemCallErrorNumber=EPERM", "(the same)"),
];

/// What a hub alone can do without.
const HUB_HARDENING: &[(&str, &str)] = &[
    ("ProtectControlGroups=yes", "It makes no groups."),
    ("PrivateTmp=yes", "It has its own /tmp."),
    ("PrivateDevices=yes", "It needs no device."),
    ("ProtectProc=invisible", "It sees no other user's processes."),
    ("ProcSubset=pid", "Nor the machine's figures."),
    ("RestrictNamespaces=yes", "It builds no container."),
    ("MemoryDenyWriteExecute=yes", "It makes no code at run time."),
    ("SystemCallFilter=@system-service", "It does what services do."),
    ("SystemCallFilter=~@privileged @resources", "And nothing that needs more."),
    ("RemoveIPC=yes", "It leaves nothing behind."),
];

fn restart_lines(text: &mut String) {
    // EX_CONFIG of sysexits.h is what the hub and the nodes call a refused token, and what R32 asks for.
    let codes = [ExitCode::Usage, ExitCode::ConfigInvalid, ExitCode::CredentialMissing, ExitCode::TokenRefused];
    let codes = codes.map(|code| code.code().to_string());
    line(text, "Started again when it fails, at once and then after ever longer pauses of up to a minute, unless");
    line(
        text,
        "a person must mend something first: a wrong command line, settings with a fault, a missing credential.",
    );
    add(text, format_args!("Restart=on-failure\nRestartSec=200ms\nRestartPreventExitStatus={}", codes.join(" ")));
    *text += "# (systemd 254 and later)\nRestartSteps=8\nRestartMaxDelaySec=60\n";
}

/// Adds lines.
fn add(text: &mut String, lines: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    writeln!(text, "{lines}").unwrap_or_default();
}

fn line(text: &mut String, reason: &str) {
    add(text, format_args!("# {reason}"));
}

/// How a path is written.
#[derive(Clone, Copy)]
enum Quoting {
    /// As the whole value of a directive.
    Plain,
    /// As a word of a command line or list (systemd.service(5), "Command lines").
    Command,
    /// As the value of `ANET_HOME` in an assignment.
    Assignment,
}

/// A path in a unit file; `%` and `$` mean something there.
///
/// # Errors
/// When it has a character that no unit file can hold.
fn quoted(path: &Path, quoting: Quoting) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
    let text = text.ok_or_else(|| {
        Failure::message(format!("the path {} cannot be written into a unit file", path.display()))
            .hint("install anet, and keep ~/.anet, under a name of plain characters")
    })?;
    let percent = text.replace('%', "%%");
    let escaped = percent.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(match quoting {
        Quoting::Plain => percent,
        Quoting::Command => format!("\"{}\"", escaped.replace('$', "$$")),
        Quoting::Assignment => format!("\"ANET_HOME={escaped}\""),
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn plan(hub_only: bool, run_as: Option<&str>, executable: &str) -> Plan {
        Plan {
            executable: executable.into(),
            home: "/home/ada lovelace/.anet".into(),
            database: "/home/ada lovelace/.commhub/commhub.db".into(),
            run_as: run_as.map(str::to_owned),
            hub_only,
        }
    }

    /// Every shape of the units, written into a directory of its own.
    fn written(plan: &Plan) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in plan.files().unwrap() {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn systemd_itself_finds_no_fault_in_any_unit() {
        for (hub_only, run_as) in [(false, None), (false, Some("root")), (true, None), (true, Some("root"))] {
            // A program that is there, since the check looks for it.
            let plan = plan(hub_only, run_as, "/bin/true");
            let directory = written(&plan);
            let mut command = Command::new("systemd-analyze");
            command.args(["verify", "--man=no"]);
            command
                .env("SYSTEMD_LOG_LEVEL", "warning")
                .env("SYSTEMD_UNIT_PATH", format!("{}:", directory.path().display()));
            let units = plan.units().into_iter().map(|unit| directory.path().join(unit));
            let output =
                command.args(units).output().expect("systemd-analyze is installed (Debian: apt install systemd)");
            let words = String::from_utf8(output.stderr).unwrap();
            // Older versions skip what they do not know yet.
            let is_known = |line: &&str| {
                ["RestartSteps", "RestartMaxDelaySec", "DelegateSubgroup"].iter().any(|name| line.contains(name))
            };
            let ours = |line: &&str| line.contains("anet");
            let faults: Vec<&str> = words.lines().filter(ours).filter(|line| !is_known(line)).collect();
            assert!(output.status.success() && faults.is_empty(), "{plan:?}: {words}");
        }
    }

    #[test]
    fn the_exposure_that_systemd_finds_stays_low() {
        // Versions of systemd judge a little differently; the README has the figures of one. Without hardening it is 9.6.
        for (hub_only, most) in [(false, 4.5), (true, 2.0)] {
            let plan = plan(hub_only, Some("ada"), "/bin/true");
            let directory = written(&plan);
            let unit = directory.path().join(plan.units().pop().unwrap());
            let mut command = Command::new("systemd-analyze");
            command.args(["security", "--offline=yes", "--no-pager"]).arg(&unit);
            let output = command.output().expect("systemd-analyze is installed (Debian: apt install systemd)");
            let words = String::from_utf8(output.stdout).unwrap();
            let figure = words.lines().rev().find_map(|line| {
                let (_, rest) = line.split_once("Overall exposure level for")?;
                rest.split_whitespace().find_map(|word| word.parse::<f64>().ok())
            });
            let figure = figure.unwrap_or_else(|| panic!("{words}{}", String::from_utf8_lossy(&output.stderr)));
            assert!(figure <= most, "{figure}, was to be at most {most}\n{words}");
        }
    }

    #[test]
    fn signs_that_mean_something_in_units_are_escaped() {
        let odd = Path::new("/opt/100% \"x\" $HOME\\bin/anet");
        assert_eq!(quoted(odd, Quoting::Command).unwrap(), r#""/opt/100%% \"x\" $$HOME\\bin/anet""#);
        assert_eq!(quoted(odd, Quoting::Plain).unwrap(), r#"/opt/100%% "x" $HOME\bin/anet"#);
        assert!(quoted(Path::new("/a\nExecStart=/bin/sh"), Quoting::Plain).is_err());
    }

    #[test]
    fn a_crash_leaves_the_children_and_what_a_person_must_mend_is_not_started_again() {
        let (_, text) = plan(false, None, "/usr/bin/anet").files().unwrap().pop().unwrap();
        for line in ["KillMode=process", "Restart=on-failure", "RestartPreventExitStatus=2 76 77 78", "Delegate=yes"] {
            assert!(text.lines().any(|known| known == line), "{line} is missing:\n{text}");
        }
        assert!(text.contains("ExecStop=\"/usr/bin/anet\" supervisor stop --main-pid=${MAINPID}\n"), "{text}");
        assert!(!text.contains("User="), "a user's manager cannot change the user");
    }
}
