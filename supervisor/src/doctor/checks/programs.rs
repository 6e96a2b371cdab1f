use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::Facts;
use crate::doctor::facts::program::{Login, Place, ProgramFacts, VENDORS, VendorFacts};
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;

pub(super) const CHECK: Check = Check {
    id: "programs",
    title: "programs",
    finds: "the program of a node is missing where the supervisor looks for it, cannot be executed, does not say its version \
            within 5 s, or nobody is logged in at its vendor",
    why: "every task of the node would fail",
    worst: Severity::Error,
    mends: None,
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    for program in &facts.programs {
        let name = program.name.as_str();
        let is_needed = !program.nodes.is_empty();
        match &program.place {
            Place::Missing if is_needed => {
                let finding = findings.error(name, format!("it is not there; needed by {}", program.nodes.join(", ")));
                finding.command(remedy(name));
            }
            Place::NotExecutable(path) if is_needed => {
                let seen = format!("{} cannot be executed; needed by {}", path.display(), program.nodes.join(", "));
                findings.error(name, seen).command(format!("chmod +x {}", shell_word(path)));
            }
            Place::Missing | Place::NotExecutable(_) => findings.fact(name, "it is not there, and no node needs it"),
            Place::At(path) => match &program.vendor {
                Some(vendor) => judge(program, vendor, findings),
                None => findings.ok(name, format!("{}", path.display())),
            },
        }
    }
}

fn remedy(name: &str) -> String {
    if VENDORS.iter().any(|vendor| vendor.program == name) {
        format!("install {name}, or start the supervisor with a PATH that has it")
    } else {
        "anet supervisor stop && anet supervisor start # with a PATH that has it".to_owned()
    }
}

fn judge(program: &ProgramFacts, facts: &VendorFacts, findings: &mut Findings) {
    let name = program.name.as_str();
    let is_needed = !program.nodes.is_empty();
    let version = match &facts.version {
        Ok(version) => version,
        Err(reason) if is_needed => {
            findings.warning(name, reason.clone()).command(format!("{name} --version"));
            return;
        }
        Err(reason) => return findings.fact(name, format!("{reason}; no node needs it")),
    };
    match facts.login {
        Login::NotNeeded => findings.ok(name, version.clone()),
        Login::Yes => findings.ok(name, format!("{version}, somebody is logged in")),
        Login::Unknown => findings.fact(name, format!("{version}; it does not say whether somebody is logged in")),
        Login::No if is_needed => {
            let seen = format!("{version}; no login is found, needed by {}", program.nodes.join(", "));
            findings.warning(name, seen).command(facts.vendor.log_in);
        }
        Login::No => findings.fact(name, format!("{version}; nobody is logged in, and no node needs it")),
    }
}
