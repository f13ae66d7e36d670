//! `indieval report` on invented runs: its files, and the page in a real browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;

use crate::invented::{self, Plan};

fn small(name: &'static str) -> Plan {
    Plan {
        name,
        model: "Invented-135M",
        people: 10,
        seed: 11,
        skill: 0.0,
        cells: invented::every_section(),
        synthetic: true,
    }
}

fn indieval() -> Command {
    let mut command = Command::cargo_bin("indieval").expect("the program is built");
    command.env("NO_COLOR", "1");
    command
}

#[test]
fn look() {
    let Ok(folder) = std::env::var("INDIEVAL_LOOK") else {
        return;
    };
    let folder = PathBuf::from(folder);
    let plan = Plan {
        people: 60,
        ..small("look")
    };
    invented::write(&folder, &plan);
}
