use std::fs;
use std::path::{Path, PathBuf};

use super::{Rivals, Run, System};
use crate::patience::{Step, succeed};

pub(crate) struct Pm2(pub(crate) Rivals);

struct Pm2Run {
    rivals: Rivals,
    directory: PathBuf,
}

impl System for Pm2 {
    fn name(&self) -> &'static str {
        "pm2"
    }

    fn is_installed(&self) -> bool {
        self.0.have("pm2")
    }

    fn set_up(&self, directory: &Path, child: &[String], count: usize) -> Box<dyn Run> {
        let app = |number: usize| {
            serde_json::json!({
                "name": format!("n{number:03}"), "script": child[0], "args": child[1..].join(" "),
                "interpreter": "none", "exec_mode": "fork", "vizion": false,
            })
        };
        let apps: Vec<_> = (0..count).map(app).collect();
        let text = serde_json::json!({ "apps": apps }).to_string();
        fs::write(directory.join("ecosystem.json"), text).expect("the configuration is written");
        Box::new(Pm2Run { rivals: self.0.clone(), directory: directory.to_owned() })
    }
}

impl Pm2Run {
    fn pm2(&self, arguments: &[&str]) -> Step {
        succeed(self.rivals.command(&self.directory, "pm2").args(arguments))
    }
}

impl Run for Pm2Run {
    fn start_cold(&mut self) -> Step {
        self.pm2(&["start", "ecosystem.json"])
    }

    fn roots(&self) -> Vec<u32> {
        let pid = fs::read_to_string(self.directory.join("pm2/pm2.pid")).unwrap_or_default();
        pid.trim().parse().into_iter().collect()
    }

    fn status(&mut self) -> Step {
        self.pm2(&["jlist"])
    }

    fn stop_all(&mut self) -> Step {
        self.pm2(&["stop", "all"])
    }

    fn start_all(&mut self) -> Step {
        self.pm2(&["restart", "all"])
    }

    fn end(&mut self) -> Step {
        self.pm2(&["kill"])
    }
}
