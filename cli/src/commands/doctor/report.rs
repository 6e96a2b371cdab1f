//! The doctor's words on the terminal.

use std::io::IsTerminal as _;

use anet_supervisor::doctor::{Finding, Severity};
use anstyle::{AnsiColor, Style};

use super::mend::Mended;
use crate::context::Context;
use crate::failure::Failure;

pub(super) fn print(context: &Context, findings: &[Finding], mended: &[Mended]) -> Result<(), Failure> {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let [ok, warnings, errors] = [Severity::Ok, Severity::Warning, Severity::Error].map(count);
    let document = serde_json::json!({
        "ok": errors == 0,
        "counts": { "ok": ok, "warnings": warnings, "errors": errors },
        "findings": findings,
        "repairs": mended,
    });
    let is_coloured = std::io::stdout().is_terminal()
        && !context.environment.all.iter().any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
    context.printer.either(&document, || {
        let mut lines: Vec<String> = mended.iter().filter_map(Mended::line).collect();
        lines.extend(findings.iter().map(|finding| line(finding, is_coloured)));
        lines.push(format!("Result: {ok} ok, {}, {}", counted(warnings, "warning"), counted(errors, "error")));
        lines.join("\n")
    })
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A finding, with why it matters and what mends it below.
fn line(finding: &Finding, is_coloured: bool) -> String {
    let severity = finding.severity;
    let style = style(severity);
    let (on, off) = if is_coloured { (format!("{style}"), format!("{style:#}")) } else { Default::default() };
    let subject = finding.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: "));
    let (sign, word, title, seen) = (severity.sign(), severity.word(), finding.title, &finding.seen);
    let mut lines = vec![format!("{sign} {on}{word:<7}{off} {title}: {subject}{seen}")];
    lines.extend(finding.why.map(|why| format!("            why: {why}")));
    lines.extend(finding.command.as_ref().map(|command| format!("            fix: {command}")));
    lines.join("\n")
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Ok => AnsiColor::Green.on_default(),
        Severity::Fact => AnsiColor::Cyan.on_default(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Error => AnsiColor::Red.on_default().bold(),
    }
}
