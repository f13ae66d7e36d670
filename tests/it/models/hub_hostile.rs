//! A hub that means harm, or talks nonsense: nothing is written where it should not be, nothing goes on without end, and what
//! went wrong is said in one line.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use indieval::model::Checkpoint;

use super::golden;
use super::hub::{PATIENCE, Place, REPOSITORY, everything, place, site};
use super::hub_server::{COMMIT, Script, Site};

/// The site of a small checkpoint that answers by a script first.
fn scripted(script: impl FnMut(&str, &TcpStream) -> bool + Send + 'static) -> Place {
    let mut hostile = site("llama3-tied-f32");
    let script: Script = Box::new(script);
    hostile.script = Some(script);
    let mut place = place(hostile);
    place.environment.patience = PATIENCE;
    place
}

fn send(mut stream: &TcpStream, bytes: &[u8]) -> bool {
    // A client that has had enough goes away.
    stream.write_all(bytes).is_ok()
}

/// The address at which the weights themselves lie.
fn is_weights(path: &str) -> bool {
    path.starts_with("/large/")
}

fn is_listing(path: &str) -> bool {
    path.starts_with("/api/")
}

/// What is said of a hub that answers so; it must not take long.
fn refused(place: &Place) -> String {
    let begun = Instant::now();
    let error = place.get().unwrap_err().to_string();
    // A first try and three more, with pauses between them, each given up on in time.
    let limit = PATIENCE * 8 + Duration::from_secs(30);
    assert!(begun.elapsed() < limit, "{:?}: {error}", begun.elapsed());
    assert!(
        !error.contains("panicked") && !error.contains(char::is_control),
        "{error:?}"
    );
    let files = everything(place.folder.path());
    let whole = |path: &std::path::PathBuf| path.ends_with("model.safetensors");
    assert!(!files.iter().any(whole), "{files:?}");
    error
}

#[test]
fn names_that_lead_elsewhere_are_refused_in_listings_and_in_indexes() {
    for name in [
        "a\\..\\..\\x.gguf",
        "\\\\server\\share\\x.gguf",
        "C:x.gguf",
        "C:\\x.gguf",
        "D:/x.gguf",
        "x\0.gguf",
        "x.gguf\0/../../y.gguf",
        "~/x.gguf/../../../x.gguf",
        "./x.gguf",
        ".cache/x.gguf",
        "a/./x.gguf",
        "a//x.gguf",
        "/x.gguf",
        "//host/x.gguf",
        "a/..hidden/../.././x.gguf",
        "nul.gguf",
        "sub/COM1.gguf",
        "x\u{202e}fugg.gguf",
        "x\u{2028}.gguf",
        "x\r\nSet-Cookie: a.gguf",
        "x?y.gguf",
        "%2e%2e/..%2f/../x.gguf",
    ] {
        let place = place(Site {
            repository: REPOSITORY.to_owned(),
            files: [(name.to_owned(), b"GGUF".to_vec())].into(),
            ..Site::default()
        });
        let error = refused(&place);
        assert!(error.contains("lists a file named"), "{name:?}: {error}");
        assert_eq!(
            everything(place.folder.path()),
            Vec::<std::path::PathBuf>::new(),
            "{name:?}"
        );
    }
    for shard in [
        "..\\x.safetensors",
        "C:x.safetensors",
        "/x.safetensors",
        "sub/x.safetensors",
        "x.safetensors\0",
        ".x.safetensors",
        "\u{202e}x.safetensors",
        "",
    ] {
        let index = serde_json::json!({"weight_map": {"model.norm.weight": shard}}).to_string();
        let mut sharded = site("llama3-tied-f32");
        sharded.files.remove("model.safetensors");
        sharded
            .files
            .insert("model.safetensors.index.json".to_owned(), index.into_bytes());
        let error = refused(&place(sharded));
        assert!(error.contains("is not an index of shards"), "{shard:?}: {error}");
    }
}

#[test]
fn listings_that_are_none_are_refused() {
    let body = |body: &'static [u8]| {
        scripted(move |path, stream| {
            is_listing(path) && {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                send(stream, head.as_bytes()) && send(stream, body)
            }
        })
    };
    for (answer, said) in [
        (&b"<html>"[..], "the answer is not the hub's"),
        (b"", "the answer is not the hub's"),
        (b"{\"sha\": \"x\", \"siblings\": []}", "\"x\" is not a commit"),
        (b"{\"sha\": \"../../../x\", \"siblings\": []}", "is not a commit"),
        (b"{\"sha\": 5, \"siblings\": []}", "the answer is not the hub's"),
        (b"{\"sha\": \"\\u001b[2J\", \"siblings\": []}", "is not a commit"),
        (
            b"{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": []}",
            "has no safetensors and no GGUF file",
        ),
        // What gzip would unpack to a gigabyte is not unpacked at all.
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff", "the answer is not the hub's"),
        (&[b'['; 1 << 16], "the answer is not the hub's"),
    ] {
        let error = refused(&body(answer));
        assert!(error.contains(said), "{error}");
    }
    let gzip = scripted(|path, stream| {
        is_listing(path)
            && send(
                stream,
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\xff",
            )
    });
    refused(&gzip);
}

#[test]
fn answers_without_end_are_given_up_on() {
    // Headers, a status line and the length of a part that never end; listings that never end.
    let endless = |head: &'static str, more: &'static str, end: usize| {
        scripted(move |path, stream| {
            if !is_listing(path) {
                return false;
            }
            let mut alive = send(stream, head.as_bytes());
            let mut sent = 0;
            while alive && sent < end {
                alive = send(stream, more.as_bytes());
                sent += more.len();
            }
            true
        })
    };
    const MANY: usize = 200 << 20;
    for (head, more) in [
        (
            "HTTP/1.1 200 OK\r\n",
            "X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
        ),
        (
            "HTTP/1.1 200 OK\r\nX: ",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "HTTP/1.1 200 ",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        ("HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "0000000000000000000000000000000000000000000000000000000000000000",
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        ),
        ("", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ] {
        refused(&endless(head, more, MANY));
    }
}

#[test]
fn a_server_that_sends_a_byte_now_and_then_is_given_up_on() {
    // Long enough for any patience; the client goes away before.
    let drip = |mut stream: &TcpStream| {
        for _ in 0..600 {
            if stream.write_all(b" ").is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let headers = scripted(move |path, stream| {
        is_listing(path) && {
            send(stream, b"HTTP/1.1 200 OK\r\nX: ");
            drip(stream);
            true
        }
    });
    let error = refused(&headers);
    assert!(error.contains("the server said nothing for 0.5 s"), "{error}");
    let listing = scripted(move |path, stream| {
        is_listing(path) && {
            send(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            drip(stream);
            true
        }
    });
    let error = refused(&listing);
    assert!(error.contains("sent less than 1024 bytes in 0.5 s"), "{error}");
    let weights = scripted(move |path, stream| {
        is_weights(path) && {
            let size = std::fs::metadata(golden("llama3-tied-f32").join("model.safetensors"))
                .unwrap()
                .len();
            let head = format!(
                "HTTP/1.1 206 P\r\nContent-Length: {size}\r\nContent-Range: bytes 0-{}/{size}\r\n\r\n",
                size - 1
            );
            send(stream, head.as_bytes());
            drip(stream);
            true
        }
    });
    // What is asked first is a single byte, which is not slow.
    let error = refused(&weights);
    assert!(error.contains("0.5 s"), "{error}");
}

/// Bodies of other lengths than announced, and headers that contradict each other or are missing.
#[test]
fn files_that_are_not_what_was_announced_are_thrown_away() {
    let head = |lines: &'static str, body: &'static [u8]| {
        scripted(move |path, stream| {
            is_weights(path) && {
                let head = format!("HTTP/1.1 {lines}\r\nConnection: close\r\n\r\n");
                send(stream, head.as_bytes()) && send(stream, body)
            }
        })
    };
    for (lines, body, said) in [
        ("200 OK", &b"x"[..], "does not say how large the file is"),
        (
            "206 P\r\nContent-Range: bytes 0-0/*",
            b"x",
            "does not say how large the file is",
        ),
        (
            "206 P\r\nContent-Range: nonsense",
            b"x",
            "does not say how large the file is",
        ),
        (
            "206 P\r\nContent-Range: bytes 0-0/-1",
            b"x",
            "does not say how large the file is",
        ),
        (
            "206 P\r\nContent-Range: bytes 0-0/99999999999999999999999",
            b"x",
            "does not say how large the file is",
        ),
        (
            "206 P\r\nContent-Length: 1\r\nContent-Range: bytes 0-0/5",
            b"x",
            "ended after 1 of 5 bytes",
        ),
        (
            "206 P\r\nContent-Length: 5\r\nContent-Range: bytes 3-7/100",
            b"xxxxx",
            "began at byte 3 where 0 was asked for",
        ),
        ("200 OK\r\nContent-Length: 5", b"xxxxx", "sha256: expected"),
        ("200 OK\r\nContent-Length: 5", b"xxxxxyyyyyyyyyy", "sha256: expected"),
        ("200 OK\r\nContent-Length: 5", b"xx", "disconnected"),
        ("200 OK\r\nContent-Length: 5\r\nContent-Length: 7", b"xxxxx", ""),
        ("200 OK\r\nContent-Length: five", b"xxxxx", ""),
        (
            "204 No Content\r\nContent-Range: bytes 0-0/9",
            b"",
            "ended after 0 of 9 bytes",
        ),
        ("304 Not Modified", b"", "answered with the status 304"),
        (
            "416 R\r\nContent-Range: bytes */5\r\nContent-Length: 5",
            b"xxxxx",
            "sha256: expected",
        ),
    ] {
        let error = refused(&head(lines, body));
        assert!(error.contains(said), "{lines:?}: {error}");
    }
}

#[test]
fn tags_and_commits_that_are_no_hashes_become_no_paths() {
    for (tag, commit) in [
        ("../../../x", COMMIT),
        ("..", COMMIT),
        ("a/b", COMMIT),
        ("C:x", COMMIT),
        ("", COMMIT),
        ("x.lock", COMMIT),
        ("deadbeef", "0000000000000000000000000000000000000000"),
        ("deadbeef", "../../x"),
        ("deadbeef", ""),
    ] {
        let place = scripted(move |path, stream| {
            path.contains("/resolve/")
                && {
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nETag: \"{tag}\"\r\nX-Repo-Commit: {commit}\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"
                    );
                    send(stream, head.as_bytes());
                    true
                }
        });
        let error = refused(&place);
        assert!(
            error.contains("is not a hash") || error.contains("comes from"),
            "{error}"
        );
        assert_eq!(everything(place.folder.path()), Vec::<std::path::PathBuf>::new());
    }
    let long = "a".repeat(5_000);
    let place = scripted(move |path, stream| {
        path.contains("/resolve/") && {
            let head = format!("HTTP/1.1 200 OK\r\nETag: \"{long}\"\r\nContent-Length: 1\r\n\r\nx");
            send(stream, head.as_bytes());
            true
        }
    });
    refused(&place);
}

#[test]
fn redirects_without_sense_or_end_are_refused() {
    for (location, said) in [
        ("", "redirects to nowhere"),
        ("x", "redirects to \"x\""),
        ("../x", "redirects to"),
        ("data:text/plain,x", "redirects to"),
        ("javascript:alert(1)", "redirects to"),
        ("file://localhost/etc/passwd", "redirects to"),
        ("http://", "redirects to"),
        ("http://[::1", "redirects to"),
        ("http://127.0.0.1:99999/", "redirects to"),
        ("\u{1b}[2J", "invalid header value"),
    ] {
        let place = scripted(move |path, stream| {
            path.contains("/resolve/") && {
                let head =
                    format!("HTTP/1.1 302 F\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                send(stream, head.as_bytes());
                true
            }
        });
        let error = refused(&place);
        assert!(error.contains(said), "{location:?}: {error}");
    }
    // Each leads to another.
    let mut count = 0;
    let chain = scripted(move |path, stream| {
        count += 1;
        path.contains("/resolve/") && {
            let head = format!(
                "HTTP/1.1 307 T\r\nLocation: /a/resolve/{count}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            send(stream, head.as_bytes());
            true
        }
    });
    assert!(refused(&chain).contains("redirects more than 5 times"));
}

/// Neither by another name nor by another port, and not with a name before it that looks like the hub's.
#[test]
fn a_token_goes_to_no_other_host_however_it_is_written() {
    let other = place(site("llama3-tied-f32"));
    let port = other.server.address.rsplit(':').next().unwrap().to_owned();
    for host in ["localhost", "127.0.0.1", "127.1", "hub@127.0.0.1", "127.0.0.2"] {
        other.server.site.lock().unwrap().log.clear();
        let mut here = site("llama3-tied-f32");
        here.elsewhere = Some(format!("http://{host}:{port}"));
        let mut place = place(here);
        place.environment.token = Some("hf_secret".to_owned());
        place.environment.patience = Duration::from_secs(5);
        // Whether it comes or not: what was asked there was asked without the token.
        let _ = place.get();
        let log = other.server.site.lock().unwrap().log.clone();
        // A name in the address is sent as such, and is the other server's own.
        let has_token = |sent: &Option<String>| sent.as_ref().is_some_and(|sent| !sent.starts_with("Basic "));
        assert!(!log.iter().any(|(.., token)| has_token(token)), "{host}: {log:?}");
    }
}

#[cfg(unix)]
#[test]
fn links_in_the_cache_are_not_written_through() {
    let place = place(site("llama3-tied-f32"));
    let target = place.folder.path().join("precious");
    std::fs::write(&target, "precious").unwrap();
    let blobs = place.folder.path().join("hub/models--some-org--tiny/blobs");
    std::fs::create_dir_all(&blobs).unwrap();
    for entry in std::fs::read_dir(golden("llama3-tied-f32")).unwrap() {
        let path = entry.unwrap().path();
        let tag = super::hub_server::sha256_hex(&std::fs::read(&path).unwrap());
        for tag in [&tag[..], &tag[..40]] {
            for ending in ["part", "lock"] {
                let link = blobs.join(format!("{tag}.{ending}"));
                let _ = std::os::unix::fs::symlink(&target, link);
            }
        }
    }
    Checkpoint::open(&place.get().unwrap().path).unwrap();
    assert_eq!(std::fs::read(&target).unwrap(), b"precious");
}
