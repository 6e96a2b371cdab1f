//! The job description for launchd (launchd.plist(5)).

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The job's name.
pub(super) const LABEL: &str = "dev.anet.supervisor";

/// Where launchd finds a user's job.
pub(super) fn path(user_home: &Path) -> PathBuf {
    user_home.join("Library/LaunchAgents").join(format!("{LABEL}.plist"))
}

/// The property list: started at login, again when it fails, and with its children left alone when it dies.
///
/// # Errors
/// When a path has characters that XML cannot hold.
pub(super) fn property_list(executable: &Path, home: &Path) -> Result<String, Failure> {
    let text = |path: &Path| {
        let text = path.to_str().filter(|text| !text.chars().any(char::is_control));
        text.map(escape).ok_or_else(|| Failure::message(format!("the path {} cannot be written", path.display())))
    };
    let (executable, anet_home, log) =
        (text(executable)?, text(home)?, text(&home.join("supervisor/logs/launchd.log"))?);
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
    <string>{executable}</string>
    <string>supervisor</string>
    <string>run</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>ANET_HOME</key>
    <string>{anet_home}</string>
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <!-- The next supervisor takes over what runs, so a crash must not end it. -->
  <key>AbandonProcessGroup</key>
  <true/>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardErrorPath</key>
  <string>{log}</string>
</dict>
</plist>
"#
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The elements of a document in order, `/name` for an end; fails where they do not nest.
    fn elements(text: &str) -> Vec<String> {
        let (mut open, mut found, mut rest) = (Vec::new(), Vec::new(), text);
        while let Some((_, after)) = rest.split_once('<') {
            let (tag, after) = after.split_once('>').expect("a tag ends");
            rest = after;
            match tag.chars().next().expect("a tag has a name") {
                '?' | '!' => {}
                '/' => assert_eq!(open.pop().as_deref(), Some(&tag[1..]), "elements nest"),
                _ if tag.ends_with('/') => found.push(tag.trim_end_matches('/').to_owned()),
                _ => {
                    let name = tag.split(' ').next().unwrap_or_default().to_owned();
                    found.push(name.clone());
                    open.push(name);
                }
            }
        }
        assert!(open.is_empty(), "every element ends");
        found
    }

    #[test]
    fn the_list_is_well_formed_and_a_path_cannot_break_out_of_it() {
        let plain = property_list(Path::new("/usr/local/bin/anet"), Path::new("/Users/ada/.anet")).unwrap();
        let odd = property_list(Path::new("/a</string><true/>&b/anet"), Path::new("/Users/ada/.anet")).unwrap();
        assert_eq!(elements(&plain), elements(&odd));
        assert!(odd.contains("/a&lt;/string&gt;&lt;true/&gt;&amp;b/anet"), "{odd}");
        assert!(property_list(Path::new("/a\nb"), Path::new("/c")).is_err());
        // 077 in octal.
        assert!(plain.contains("<integer>63</integer>"));
    }
}
