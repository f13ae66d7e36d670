//! Addresses of servers and of files on them.

use ureq::http::Uri;

/// Reads an address of a server; the error says what it is instead.
pub(super) fn parse(url: &str) -> Result<Uri, String> {
    let odd = || format!("{url:?} is not a server's address");
    let uri: Uri = url.parse().map_err(|_| odd())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if has_sound_port(&uri, host) => Ok(uri),
        _ => Err(odd()),
    }
}

/// Whether what stands behind the host is a port. One beyond 65535 would be taken for none.
fn has_sound_port(uri: &Uri, host: &str) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let behind_user = authority.rsplit('@').next().unwrap_or_default();
    match behind_user.strip_prefix(host) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()),
        None => false,
    }
}

/// Scheme, name and port: a token of an encrypted host does not go to the same name unencrypted.
pub(super) fn same_host(a: &Uri, b: &Uri) -> bool {
    let port = |uri: &Uri| {
        uri.port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 })
    };
    let name = |uri: &Uri| uri.host().unwrap_or_default().to_ascii_lowercase();
    a.scheme_str() == b.scheme_str() && name(a) == name(b) && port(a) == port(b)
}

/// A path for an address; what separates its steps stays.
pub(super) fn encoded(step: &str) -> String {
    let mut text = String::with_capacity(step.len());
    for byte in step.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_scheme_its_name_and_its_port() {
        let same = |a: &str, b: &str| same_host(&parse(a).expect("an address"), &parse(b).expect("an address"));
        assert!(same("https://hub.example/a", "https://HUB.example:443/b"));
        for (a, b) in [
            ("https://hub.example", "http://hub.example"),
            ("https://hub.example", "https://hub.example.evil"),
            ("https://hub.example", "https://cdn.hub.example"),
            ("http://127.0.0.1:80", "http://127.0.0.1:81"),
            ("https://hub.example", "https://hub.example@evil.example"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
        for no in [
            "ftp://a/b",
            "/a/b",
            "a/b",
            "file:///etc/passwd",
            "",
            "http://a:99999/b",
            "http://a:x/b",
        ] {
            assert!(parse(no).is_err(), "{no}");
        }
    }

    #[test]
    fn names_are_put_into_addresses() {
        assert_eq!(encoded("a b#?%/ü.gguf"), "a%20b%23%3F%25/%C3%BC.gguf");
    }
}
