//! A server that speaks the hub's paths: /api/models/ID/revision/REV and /ID/resolve/COMMIT/FILE, large files redirected.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Answers to a path in its own way, or says that it does not.
pub type Script = Box<dyn FnMut(&str, &TcpStream) -> bool + Send>;

/// What it serves and how it misbehaves.
#[derive(Default)]
pub struct Site {
    pub repository: String,
    pub files: BTreeMap<String, Vec<u8>>,
    /// Answers with this status instead.
    pub status: Option<u16>,
    /// The next so many bodies of large files break off in the middle.
    pub broken_bodies: usize,
    /// Large files come with other bytes than their tag says.
    pub corrupt: bool,
    /// What is sent of large files is longer than announced.
    pub longer: bool,
    /// Nothing is answered at all.
    pub silent: bool,
    /// Bodies of large files stop coming in the middle, without an end.
    pub stalling: bool,
    /// Address of the server that large files are redirected to, where it is another.
    pub elsewhere: Option<String>,
    /// Where every file is redirected to, with the status 302.
    pub redirect: Option<String>,
    /// What is asked before anything else.
    pub script: Option<Script>,
    /// Connections that are kept open.
    pub held: Vec<TcpStream>,
    /// Every request: path, range, authorisation.
    pub log: Vec<(String, Option<String>, Option<String>)>,
}

/// A running server.
pub struct Server {
    pub address: String,
    pub site: Arc<Mutex<Site>>,
}

pub fn serve(site: Site) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let site = Arc::new(Mutex::new(site));
    let shared = Arc::clone(&site);
    // The thread ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(&stream, &mut shared.lock().unwrap());
        }
    });
    Server { address, site }
}

fn answer(stream: &TcpStream, site: &mut Site) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let Some(request) = lines.next() else { return };
    let path = decoded(request.split(' ').nth(1).unwrap_or_default());
    let headers: HashMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_once(':')
                .map(|(key, value)| (key.to_lowercase(), value.trim().to_owned()))
        })
        .collect();
    let range = headers.get("range").cloned();
    site.log
        .push((path.clone(), range.clone(), headers.get("authorization").cloned()));
    if let Some(script) = &mut site.script
        && script(&path, stream)
    {
        return;
    }
    if let Some(status) = site.status {
        return respond(stream, status, &[], b"", 0);
    }
    if site.silent {
        return site.held.extend(stream.try_clone());
    }
    let info = format!("/api/models/{}/revision/main", site.repository);
    let resolve = format!("/{}/resolve/{COMMIT}/", site.repository);
    if path == info {
        let siblings: Vec<_> = site
            .files
            .keys()
            .map(|name| serde_json::json!({"rfilename": name}))
            .collect();
        let body = serde_json::json!({"sha": COMMIT, "siblings": siblings}).to_string();
        return respond(stream, 200, &[], body.as_bytes(), body.len());
    }
    if let Some(place) = site.redirect.clone() {
        return respond(stream, 302, &[("Location", place)], b"", 0);
    }
    let (name, direct) = match (path.strip_prefix(&resolve), path.strip_prefix("/large/")) {
        (Some(name), _) => (name, true),
        (None, Some(name)) => (name, false),
        (None, None) => return respond(stream, 404, &[], b"", 0),
    };
    let Some(file) = site.files.get(name) else {
        return respond(stream, 404, &[], b"", 0);
    };
    let large = name.ends_with(".safetensors") || name.ends_with(".gguf");
    let tag = if large {
        sha256_hex(file)
    } else {
        sha256_hex(file)[..40].to_owned()
    };
    let commit = ("X-Repo-Commit", COMMIT.to_owned());
    if large && direct {
        let here = || format!("http://{}", headers.get("host").cloned().unwrap_or_default());
        let there = site.elsewhere.clone().unwrap_or_else(here);
        let place = ("Location", format!("{there}/large/{}", name.replace(' ', "%20")));
        return respond(
            stream,
            302,
            &[commit, ("X-Linked-Etag", format!("\"{tag}\"")), place],
            b"",
            0,
        );
    }
    let (from, to) = range
        .as_deref()
        .map_or((0, file.len()), |range| bounds(range, file.len()));
    let mut body = file[from..to].to_vec();
    if large && site.corrupt && body.len() > 1 {
        body[0] ^= 1;
    }
    let whole = body.len();
    if large && site.longer && whole > 1 {
        body.extend([7; 100]);
    }
    if large && site.stalling && whole > 1 {
        site.held.extend(stream.try_clone());
    }
    let sent = match site.broken_bodies {
        _ if large && site.stalling && whole > 1 => whole / 2,
        more if more > 0 && large && body.len() > 1 => {
            site.broken_bodies -= 1;
            body.len() / 2
        }
        _ => body.len(),
    };
    let part = (
        "Content-Range",
        format!("bytes {from}-{}/{}", to.saturating_sub(1), file.len()),
    );
    respond(
        stream,
        206,
        &[commit, ("ETag", format!("\"{tag}\"")), part],
        &body,
        sent,
    );
}

/// An address with its %-signs resolved.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

fn bounds(range: &str, size: usize) -> (usize, usize) {
    let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let to = to.parse::<usize>().map_or(size, |last| (last + 1).min(size));
    (from.parse::<usize>().unwrap().min(size), to)
}

/// Sends `sent` bytes of the body, whatever its length in the headers.
fn respond(mut stream: &TcpStream, status: u16, headers: &[(&str, String)], body: &[u8], sent: usize) {
    let mut head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (key, value) in headers {
        head.push_str(&format!("{key}: {value}\r\n"));
    }
    // A client that has gone away is no concern of the server's.
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(&body[..sent]);
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
