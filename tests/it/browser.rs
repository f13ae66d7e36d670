//! A real browser, where the machine has one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the browser made of a page.
pub struct Visit {
    /// The document after it was loaded.
    pub dom: String,
    /// What the browser wrote to its log.
    pub log: String,
    /// The record of all network activity, as JSON text.
    pub network: String,
}

/// Where Chromium is, if it is.
fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

/// Opens a page without a window and returns what came of it; `None` where there is no Chromium. Every host name is
/// unknown to this browser, so that nothing leaves the machine whatever the page asks for.
pub fn visit(page: &Path, scratch: &Path) -> Option<Visit> {
    let browser = chromium()?;
    let network = scratch.join("network.json");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args([
            "--disable-default-apps",
            "--disable-extensions",
            "--disable-domain-reliability",
            "--no-pings",
        ])
        .args(["--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication"])
        .args([
            "--enable-logging=stderr",
            "--v=0",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--no-proxy-server",
        ])
        .arg(format!("--user-data-dir={}", scratch.join("profile").display()))
        .arg(format!("--log-net-log={}", network.display()))
        .args(["--virtual-time-budget=2000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .ok()?;
    Some(Visit {
        dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        log: String::from_utf8_lossy(&output.stderr).into_owned(),
        network: std::fs::read_to_string(network).unwrap_or_default(),
    })
}

impl Visit {
    /// Addresses that the page asked for over a network, by the record of network activity. The browser's own attempts
    /// (clock, updates) come from no page: they are "not an origin".
    pub fn requested(&self) -> Vec<String> {
        let record: serde_json::Value = serde_json::from_str(&self.network).expect("the record is JSON");
        let events = record["events"].as_array().expect("the record has events");
        let of_a_page = |from: &serde_json::Value| from.as_str().is_some_and(|from| from != "not an origin");
        let pages = events
            .iter()
            .map(|event| &event["params"])
            .filter(|params| of_a_page(&params["initiator"]));
        let addresses = pages.filter_map(|params| params["url"].as_str());
        addresses
            .filter(|address| !address.starts_with("file:") && !address.starts_with("data:"))
            .map(str::to_owned)
            .collect()
    }

    /// Lines of the log that a page's console wrote.
    pub fn console(&self) -> Vec<&str> {
        self.log.lines().filter(|line| line.contains("CONSOLE")).collect()
    }
}
