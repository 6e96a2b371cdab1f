use anet_protocol::role::SystemRole;

use crate::doctor::check::{Check, Findings};
use crate::doctor::facts::hub::Whoami;
use crate::doctor::facts::{Facts, JsonFile};
use crate::doctor::finding::Severity;
use crate::doctor::own_file::shell_word;
use crate::doctor::repair::Repair;

pub(super) const CHECK: Check = Check {
    id: "admin_login",
    title: "login of the hub's host",
    finds: "`~/.anet/server/admin-utok.json` is broken, or holds a login that has ended or is no administrator's",
    why: "this machine looks after its own hub with it",
    worst: Severity::Warning,
    mends: Some("writes a new login, made on the database itself"),
    look,
};

fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let path = facts.patient.home.join("server/admin-utok.json");
    match (&facts.admin.file, &facts.admin.answer) {
        (JsonFile::Broken(problem), _) => {
            let finding = findings.warning(&*path, problem.seen.clone());
            finding.command(format!("mv {0} {0}.aside && anet hub start", shell_word(&path)));
        }
        (JsonFile::Object(_), Some(Whoami::Known(me))) if me.user.role == SystemRole::Admin => {
            findings.ok((), format!("it works, as {}", me.user.username));
        }
        (JsonFile::Object(_), Some(Whoami::Known(me))) => {
            let seen = format!("it is of {}, who is no administrator", me.user.username);
            findings.warning((), seen).repair(Repair::RenewAdminLogin);
        }
        (JsonFile::Object(_), Some(Whoami::Refused)) => {
            findings.warning((), "it has ended").repair(Repair::RenewAdminLogin);
        }
        (JsonFile::Absent, _) | (JsonFile::Object(_), Some(Whoami::Forbidden | Whoami::Unclear(_)) | None) => {}
    }
}
