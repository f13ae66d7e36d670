//! Requests to the hub: redirects followed here, so that a token stays with the host it was given for; servers that
//! fall silent given up on; bodies read no further than was announced.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Response, Uri};
use ureq::{Agent, Body};

use super::address::{encoded, parse, same_host};

/// Most redirects of one request.
const REDIRECTS: usize = 5;

/// Largest answer that is read into memory: a list of files.
const LARGEST_LISTING: u64 = 64 << 20;

/// Fewest bytes that must come in the time that a server may be silent: one that sends a byte now and then never is.
const SLOWEST: u64 = 1 << 10;

/// Why a request gave nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// The server refused.
    #[error("answered with the status {0}")]
    Status(u16),
    /// A redirect that is not followed.
    #[error("{0}")]
    Redirect(String),
    /// Nothing came for too long.
    #[error("the server said nothing for {} s", .0.as_secs_f32())]
    Silent(Duration),
    /// Next to nothing came for too long.
    #[error("the server sent less than {SLOWEST} bytes in {} s", .0.as_secs_f32())]
    Slow(Duration),
    /// An answer that is not the hub's.
    #[error("{0}")]
    Odd(String),
    /// The line, the name or the encryption failed.
    #[error("{0}")]
    Failed(ureq::Error),
    /// The body broke off.
    #[error("{0}")]
    Broken(io::Error),
}

/// A client of one hub.
pub(super) struct Client {
    agent: Agent,
    endpoint: Uri,
    address: String,
    token: Option<String>,
    patience: Duration,
}

/// What a file of the hub is, before it is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Announced {
    /// The commit it comes from.
    pub(super) commit: String,
    /// The file's tag: a SHA-256 where it is large, else the id of a git object. Only hexadecimal digits.
    pub(super) tag: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Client {
    /// A client of the hub at `address`. The token goes to that host alone.
    pub(super) fn new(address: &str, token: Option<&str>, patience: Duration) -> Result<Self, HttpError> {
        let address = address.trim_end_matches('/').to_owned();
        let endpoint = parse(&address).map_err(HttpError::Odd)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("indieval/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(patience))
            .timeout_connect(Some(patience))
            .timeout_send_request(Some(patience))
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            endpoint,
            address,
            token: token.map(str::to_owned),
            patience,
        })
    }

    /// The address of a path whose steps are put in as they are, but for characters that mean something in an address.
    pub(super) fn url(&self, steps: &[&str]) -> String {
        let mut url = self.address.clone();
        for step in steps {
            url.push('/');
            url.push_str(&encoded(step));
        }
        url
    }

    /// The JSON at an address.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, HttpError> {
        let body = self.get(url, None)?.last.into_body().into_reader();
        let mut text = Vec::new();
        let copied = self.pump(body.take(LARGEST_LISTING + 1), |bytes| {
            text.extend_from_slice(bytes);
            Ok(())
        });
        copied.map_err(|error| match error {
            CopyError::Http(error) => error,
            CopyError::Write(error) => HttpError::Broken(error),
        })?;
        if text.len() as u64 > LARGEST_LISTING {
            return Err(HttpError::Odd(format!(
                "the answer is longer than {LARGEST_LISTING} bytes"
            )));
        }
        serde_json::from_slice(&text).map_err(|error| HttpError::Odd(format!("the answer is not the hub's: {error}")))
    }

    /// What the hub says of a file, of which a single byte is asked for.
    pub(super) fn announced(&self, url: &str) -> Result<Announced, HttpError> {
        // The hub's own headers come with its redirect, the size from where the file lies.
        let answer = self.get(url, Some(0..1))?;
        let tag = answer.first("x-linked-etag").or_else(|| answer.first("etag"));
        let tag = tag.unwrap_or_default().trim_start_matches("W/").trim_matches('"');
        // The tag becomes a file's name.
        if tag.is_empty() || tag.len() > 128 || !tag.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
            return Err(HttpError::Odd(format!("the etag {tag:?} is not a hash")));
        }
        let size =
            size_of(&answer.last).ok_or_else(|| HttpError::Odd("does not say how large the file is".to_owned()))?;
        Ok(Announced {
            commit: answer.first("x-repo-commit").unwrap_or_default().to_owned(),
            tag: tag.to_ascii_lowercase(),
            size,
        })
    }

    /// Copies a file from byte `from` on, up to its announced end and no further. Returns whether the server began
    /// where it was asked to; where it began anew, `restart` was called before the first byte was written.
    pub(super) fn copy(
        &self,
        url: &str,
        range: std::ops::Range<u64>,
        restart: impl FnOnce() -> io::Result<()>,
        write: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), CopyError> {
        let end = range.end;
        let response = self.get(url, Some(range.start..end))?.last;
        let begins = match response.status().as_u16() {
            206 => begin_of(&response).unwrap_or(range.start),
            _ => 0,
        };
        if begins != range.start {
            if begins != 0 {
                let what = format!("began at byte {begins} where {} was asked for", range.start);
                return Err(HttpError::Odd(what).into());
            }
            restart().map_err(CopyError::Write)?;
        }
        let wanted = end - begins;
        let body = response.into_body().into_reader().take(wanted);
        let copied = self.pump(body, write)?;
        if copied < wanted {
            let broken = format!("ended after {} of {end} bytes", begins + copied);
            return Err(HttpError::Broken(io::Error::new(io::ErrorKind::UnexpectedEof, broken)).into());
        }
        Ok(())
    }

    /// Bytes that came, each given to `write`.
    fn pump(&self, mut body: impl Read, mut write: impl FnMut(&[u8]) -> io::Result<()>) -> Result<u64, CopyError> {
        let mut buffer = vec![0; 1 << 16];
        let (mut copied, mut since, mut before) = (0, Instant::now(), 0);
        loop {
            match body.read(&mut buffer) {
                Ok(0) => return Ok(copied),
                Ok(read) => {
                    write(&buffer[..read]).map_err(CopyError::Write)?;
                    copied += read as u64;
                    if since.elapsed() > self.patience {
                        if copied - before < SLOWEST {
                            return Err(HttpError::Slow(self.patience).into());
                        }
                        (since, before) = (Instant::now(), copied);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.body(error).into()),
            }
        }
    }

    /// One request, its redirects followed.
    fn get(&self, url: &str, range: Option<std::ops::Range<u64>>) -> Result<HttpAnswer, HttpError> {
        let mut url = url.to_owned();
        let mut before = Vec::new();
        for _ in 0..=REDIRECTS {
            let mut request = self.agent.get(&url);
            if let (Some(token), true) = (&self.token, self.is_home(&parse(&url).map_err(HttpError::Odd)?)) {
                request = request.header("Authorization", format!("Bearer {token}"));
            }
            if let Some(range) = &range {
                // Ranges name their last byte.
                let last = range.end.max(range.start + 1) - 1;
                request = request.header("Range", format!("bytes={}-{last}", range.start));
            }
            let response = request.call().map_err(|error| self.failed(error))?;
            let status = response.status();
            match target(&url, &response)? {
                Some(location) => {
                    before.push(response.into_parts().0.headers);
                    url = location;
                }
                // Nothing is behind byte 0 of an empty file.
                None if status.is_success() || status == 416 => return Ok(HttpAnswer { before, last: response }),
                None => return Err(HttpError::Status(status.as_u16())),
            }
        }
        Err(HttpError::Redirect(format!("redirects more than {REDIRECTS} times")))
    }

    /// Whether an address is on the hub's own host.
    fn is_home(&self, url: &Uri) -> bool {
        same_host(&self.endpoint, url)
    }

    fn failed(&self, error: ureq::Error) -> HttpError {
        match error {
            ureq::Error::Timeout(_) => HttpError::Silent(self.patience),
            ureq::Error::Io(error) => self.body(error),
            other => HttpError::Failed(other),
        }
    }

    /// An error while a body is read.
    fn body(&self, error: io::Error) -> HttpError {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        match inner {
            Some(ureq::Error::Timeout(_)) => HttpError::Silent(self.patience),
            _ if error.kind() == io::ErrorKind::TimedOut => HttpError::Silent(self.patience),
            _ => HttpError::Broken(error),
        }
    }
}

/// Why a file was not copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    /// It did not come.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It could not be written; trying again does not help.
    #[error("{0}")]
    Write(io::Error),
}

/// What came of a request.
struct HttpAnswer {
    /// Headers of the redirects.
    before: Vec<HeaderMap>,
    /// What they led to.
    last: Response<Body>,
}

impl HttpAnswer {
    /// A header of the first answer that has it.
    fn first(&self, name: &str) -> Option<&str> {
        let mut all = self.before.iter().chain([self.last.headers()]);
        all.find_map(|headers| headers.get(name)?.to_str().ok())
    }
}

/// Where a response redirects to.
fn target(from: &str, response: &Response<Body>) -> Result<Option<String>, HttpError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let nowhere = || HttpError::Redirect("redirects to nowhere".to_owned());
    let location = text_of(response, "location").ok_or_else(nowhere)?;
    let base = parse(from).map_err(HttpError::Odd)?;
    let origin = format!(
        "{}://{}",
        base.scheme_str().unwrap_or("https"),
        base.authority().map_or("", |authority| authority.as_str())
    );
    let whole = match location.as_str() {
        "" => return Err(nowhere()),
        relative if relative.starts_with("//") => format!("{}:{relative}", base.scheme_str().unwrap_or("https")),
        relative if relative.starts_with('/') => format!("{origin}{relative}"),
        absolute => absolute.to_owned(),
    };
    let to = parse(&whole).map_err(|_| HttpError::Redirect(format!("redirects to {location:?}")))?;
    if base.scheme_str() == Some("https") && to.scheme_str() != Some("https") {
        return Err(HttpError::Redirect(format!(
            "redirects to {location:?}, which is not encrypted"
        )));
    }
    Ok(Some(whole))
}

fn text_of(response: &Response<Body>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

/// The whole size of a file of which a part came.
fn size_of(response: &Response<Body>) -> Option<u64> {
    match text_of(response, "content-range") {
        Some(range) => range.rsplit('/').next()?.parse().ok(),
        None => response.body().content_length(),
    }
}

/// The first byte of what came.
fn begin_of(response: &Response<Body>) -> Option<u64> {
    let range = text_of(response, "content-range")?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_servers_and_never_out_of_encryption() {
        let from = |from: &str, to: &str| {
            let response = Response::builder().status(302).header("location", to);
            let response = response.body(Body::builder().data(Vec::new())).expect("a response");
            target(from, &response).map_err(|error| error.to_string())
        };
        for (start, to, expected) in [
            ("https://a/b/c", "/d?e", "https://a/d?e"),
            ("https://a:1/b", "//c/d", "https://c/d"),
            ("http://a/b", "https://c/d", "https://c/d"),
            ("http://a/b", "http://c/d", "http://c/d"),
        ] {
            assert_eq!(from(start, to), Ok(Some(expected.to_owned())), "{start} {to}");
        }
        for to in [
            "http://a/b",
            "HTTP://a/b",
            "",
            "d",
            "../d",
            "file:///etc/passwd",
            "ftp://a/b",
            "https://",
        ] {
            let error = from("https://a/b", to).expect_err(to);
            assert!(error.contains("redirects to"), "{error}");
        }
    }
}
