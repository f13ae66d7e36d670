//! Fetching from the hub, against a server of our own that speaks its paths.

use indieval::model::source::{Environment, Fetch, Located, Origin, Progress, Silent, locate};
use indieval::model::{Checkpoint, LoadError};

use super::golden;
use super::hub_server::{COMMIT, Server, Site, serve};

pub const REPOSITORY: &str = "some-org/tiny";

pub fn site(name: &str) -> Site {
    let files = std::fs::read_dir(golden(name)).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (
            path.file_name().unwrap().to_str().unwrap().to_owned(),
            std::fs::read(&path).unwrap(),
        )
    });
    let mut files: std::collections::BTreeMap<_, _> = files.filter(|(file, _)| !file.starts_with("golden")).collect();
    files.insert("pytorch_model.bin".to_owned(), vec![0; 10]);
    Site {
        repository: REPOSITORY.to_owned(),
        files,
        ..Site::default()
    }
}

pub struct Place {
    pub server: Server,
    pub environment: Environment,
    pub folder: tempfile::TempDir,
}

/// How long the tests wait for a server that says nothing. (One that does answer is on this machine.)
pub const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

pub fn place(site: Site) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(site);
    let mut environment = Environment::under(folder.path());
    environment.endpoint = server.address.clone();
    environment.offline = false;
    Place {
        server,
        environment,
        folder,
    }
}

impl Place {
    pub fn get(&self) -> Result<Located, LoadError> {
        locate(REPOSITORY, &self.environment, Fetch::Allowed, &mut Silent)
    }

    fn requests(&self) -> usize {
        self.server.site.lock().unwrap().log.len()
    }
}

#[derive(Default)]
struct Counted {
    files: Vec<(String, u64)>,
    bytes: u64,
    ended: usize,
}

impl Progress for Counted {
    fn begin(&mut self, file: &str, bytes: u64) {
        self.files.push((file.to_owned(), bytes));
    }
    fn advance(&mut self, bytes: u64) {
        self.bytes += bytes;
    }
    fn end(&mut self) {
        self.ended += 1;
    }
}

#[test]
fn a_sharded_checkpoint_is_fetched_once_and_then_found_in_the_cache() {
    let mut place = place(site("llama-sharded-bf16"));
    place.environment.token = Some("hf_secret".to_owned());
    let mut progress = Counted::default();
    let located = locate(REPOSITORY, &place.environment, Fetch::Allowed, &mut progress).unwrap();
    let origin = Origin::Hub {
        repository: REPOSITORY.to_owned(),
        commit: COMMIT.to_owned(),
    };
    assert_eq!(located.origin, origin);
    Checkpoint::open(&located.path).unwrap();

    let total: u64 = progress.files.iter().map(|(_, bytes)| bytes).sum();
    assert_eq!(progress.bytes, total);
    assert_eq!(progress.files.len(), 7, "{:?}", progress.files);
    assert!(
        !located.path.join("pytorch_model.bin").exists(),
        "only what is needed is fetched"
    );
    {
        let log = &place.server.site.lock().unwrap().log;
        assert!(log.iter().all(|(path, ..)| !path.contains("pytorch")));
        assert!(
            log.iter()
                .any(|(.., token)| token.as_deref() == Some("Bearer hf_secret"))
        );
    }
    let asked = place.requests();
    assert_eq!(place.get().unwrap(), located);
    place.environment.offline = true;
    assert_eq!(place.get().unwrap(), located);
    let pinned = locate(
        &format!("{REPOSITORY}@{COMMIT}"),
        &place.environment,
        Fetch::Never,
        &mut Silent,
    )
    .unwrap();
    assert_eq!(pinned.path, located.path);
    assert_eq!(place.requests(), asked, "nothing was asked again");

    // A snapshot that lost a shard is not taken for complete.
    std::fs::remove_file(located.path.join("model-00002-of-00003.safetensors")).unwrap();
    let error = place.get().unwrap_err().to_string();
    assert!(
        error.contains("the snapshot is incomplete: model-00002-of-00003.safetensors is missing"),
        "{error}"
    );
    place.environment.offline = false;
    place.get().unwrap();
}

#[test]
fn a_download_that_broke_off_is_taken_up_where_it_stopped() {
    let mut broken = site("llama3-tied-f32");
    // The first attempt and its retries all break off; each is taken up where the one before stopped.
    broken.broken_bodies = 2;
    let place = place(broken);
    let located = place.get().unwrap();
    Checkpoint::open(&located.path).unwrap();
    let log = &place.server.site.lock().unwrap().log;
    let ranges: Vec<&str> = log
        .iter()
        .filter(|(path, ..)| path.starts_with("/large/"))
        .filter_map(|(_, range, _)| range.as_deref())
        .filter(|range| *range != "bytes=0-0")
        .collect();
    assert_eq!(ranges.len(), 3, "{ranges:?}");
    let begins = |range: &&str| range.starts_with("bytes=0-");
    assert!(begins(&ranges[0]), "{ranges:?}");
    assert!(!ranges[1..].iter().any(begins), "{ranges:?}");
}

#[test]
fn wrong_bytes_are_thrown_away() {
    let mut wrong = site("llama3-tied-f32");
    wrong.corrupt = true;
    let place = place(wrong);
    let error = place.get().unwrap_err().to_string();
    assert!(error.contains("sha256: expected"), "{error}");
    place.server.site.lock().unwrap().corrupt = false;
    Checkpoint::open(&place.get().unwrap().path).unwrap();
}

#[test]
fn refusals_say_what_to_do() {
    for (status, said, hint) in [
        (401, "access to some-org/tiny is refused (401)", "HF_TOKEN"),
        (403, "access to some-org/tiny is refused (403)", "accept its licence"),
        (
            404,
            "not found (404): some-org/tiny@main does not exist",
            "check the name and the revision",
        ),
        (500, "answered with the status 500", "try again later"),
    ] {
        let mut refusing = site("llama3-tied-f32");
        refusing.status = Some(status);
        let error = place(refusing).get().unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().unwrap().contains(hint), "{error}");
    }
}

#[test]
fn a_hub_that_is_not_there_or_not_wanted_says_so() {
    let mut place = place(site("llama3-tied-f32"));
    place.environment.endpoint = "http://127.0.0.1:1".to_owned();
    let error = place.get().unwrap_err();
    assert!(error.hint().unwrap().contains("without a network"), "{error}");
    place.environment.offline = true;
    let error = place.get().unwrap_err();
    assert!(error.to_string().contains("HF_HUB_OFFLINE is set"), "{error}");
    let error = locate(REPOSITORY, &place.environment, Fetch::Never, &mut Silent).unwrap_err();
    assert!(error.hint().unwrap().contains("indieval models get some-org/tiny"));
    assert_eq!(place.requests(), 0);
}

#[test]
fn repositories_without_a_usable_checkpoint_say_why() {
    for (files, said) in [
        (vec!["pytorch_model.bin"], "has no safetensors and no GGUF file"),
        (vec!["a.gguf", "b.gguf"], "has 2 GGUF files: fetch the one you want"),
    ] {
        let empty = Site {
            repository: REPOSITORY.to_owned(),
            files: files.into_iter().map(|name| (name.to_owned(), vec![1])).collect(),
            ..Site::default()
        };
        let error = place(empty).get().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

/// Every file below a folder, links included.
pub fn everything(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(everything(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn no_name_from_the_hub_leads_out_of_the_cache() {
    let index = |shard: &str| serde_json::json!({"weight_map": {"model.norm.weight": shard}}).to_string();
    let gguf = |name: &str| vec![(name.to_owned(), b"GGUF".to_vec())];
    let sharded = |shard: &str| {
        let index = index(shard).into_bytes();
        ["config.json", "tokenizer.json", shard, "model.safetensors.index.json"]
            .map(|name| (name.to_owned(), index.clone()))
            .to_vec()
    };
    for files in [
        gguf("../../x.gguf"),
        gguf("a/../../../x.gguf"),
        gguf("..\\..\\x.gguf"),
        gguf("x\u{1b}[2J\u{202e}.gguf"),
        sharded("../../x.safetensors"),
        sharded("sub/../../../x.safetensors"),
    ] {
        let name = files[0].0.clone();
        let place = place(Site {
            repository: REPOSITORY.to_owned(),
            files: files.into_iter().collect(),
            ..Site::default()
        });
        let error = place.get().unwrap_err();
        assert!(matches!(error, LoadError::Unavailable { .. }), "{name}: {error}");
        let out = everything(place.folder.path());
        assert!(
            out.iter().all(|path| !path.display().to_string().ends_with("/x.gguf")
                && !path.display().to_string().ends_with("x.safetensors")),
            "{out:?}"
        );
    }
    // An absolute name, to a place that can be written.
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("x.gguf");
    let absolute = place(Site {
        repository: REPOSITORY.to_owned(),
        files: gguf(target.to_str().unwrap()).into_iter().collect(),
        ..Site::default()
    });
    absolute.get().unwrap_err();
    assert!(!target.exists());
}

#[test]
fn a_gguf_file_in_a_folder_of_its_repository_is_found_again() {
    let files = [("quantised/model Q4 (1).gguf".to_owned(), b"GGUF".to_vec())];
    let mut place = place(Site {
        repository: REPOSITORY.to_owned(),
        files: files.into_iter().collect(),
        ..Site::default()
    });
    let located = place.get().unwrap();
    assert_eq!(std::fs::read(&located.path).unwrap(), b"GGUF");
    place.environment.offline = true;
    assert_eq!(place.get().unwrap(), located);
}

#[test]
fn a_token_stays_with_the_host_it_is_for() {
    let other = place(site("llama3-tied-f32"));
    let mut here = site("llama3-tied-f32");
    // The same machine by another name: another host.
    here.elsewhere = Some(other.server.address.replace("127.0.0.1", "localhost"));
    let mut place = place(here);
    place.environment.token = Some("hf_secret".to_owned());
    Checkpoint::open(&place.get().unwrap().path).unwrap();
    let seen = |server: &Server| server.site.lock().unwrap().log.clone();
    assert!(seen(&place.server).iter().all(|(.., token)| token.is_some()));
    let away = seen(&other.server);
    assert!(away.len() >= 2, "{away:?}");
    assert!(away.iter().all(|(.., token)| token.is_none()), "{away:?}");
}

#[test]
fn redirects_that_lead_nowhere_are_refused() {
    for (target, said) in [
        ("file:///etc/passwd", "redirects to \"file:///etc/passwd\""),
        ("/some-org/tiny/resolve/x", "redirects more than 5 times"),
        ("gopher://127.0.0.1/x", "redirects to \"gopher://127.0.0.1/x\""),
    ] {
        let mut looping = site("llama3-tied-f32");
        looping.redirect = Some(target.to_owned());
        let error = place(looping).get().unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_body_is_read_no_further_than_announced() {
    let mut longer = site("llama3-tied-f32");
    longer.longer = true;
    let place = place(longer);
    let located = place.get().unwrap();
    Checkpoint::open(&located.path).unwrap();
    let size = std::fs::metadata(located.path.join("model.safetensors")).unwrap().len();
    let file = golden("llama3-tied-f32").join("model.safetensors");
    assert_eq!(size, std::fs::metadata(file).unwrap().len());
}

#[test]
fn a_server_that_falls_silent_is_given_up_on() {
    for (silent, stalling) in [(true, false), (false, true)] {
        let mut quiet = site("llama3-tied-f32");
        (quiet.silent, quiet.stalling) = (silent, stalling);
        let mut place = place(quiet);
        place.environment.patience = PATIENCE;
        let error = place.get().unwrap_err();
        assert!(
            error.to_string().contains("the server said nothing for 0.5 s"),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("HF_HUB_DOWNLOAD_TIMEOUT"), "{error}");
        // What came is gone on with.
        let mut site = place.server.site.lock().unwrap();
        (site.silent, site.stalling) = (false, false);
        drop(site);
        place.environment.patience = std::time::Duration::from_secs(60);
        Checkpoint::open(&place.get().unwrap().path).unwrap();
    }
}
