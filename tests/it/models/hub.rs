//! Fetching from the hub, against a server of our own that speaks its paths.

use indieval::model::source::{Environment, Fetch, Located, Origin, Progress, Silent, locate};
use indieval::model::{Checkpoint, LoadError};

use super::golden;
use super::hub_server::{COMMIT, Server, Site, serve};

const REPOSITORY: &str = "some-org/tiny";

fn site(name: &str) -> Site {
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

struct Place {
    server: Server,
    environment: Environment,
    _folder: tempfile::TempDir,
}

fn place(site: Site) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(site);
    let mut environment = Environment::under(folder.path());
    environment.endpoint = server.address.clone();
    environment.offline = false;
    Place {
        server,
        environment,
        _folder: folder,
    }
}

impl Place {
    fn get(&self) -> Result<Located, LoadError> {
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
    assert_eq!(ranges[0], "bytes=0-");
    assert!(ranges[1..].iter().all(|range| *range != "bytes=0-"), "{ranges:?}");
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
        (401, "access to some-org/tiny is refused (401)", Some("HF_TOKEN")),
        (
            403,
            "access to some-org/tiny is refused (403)",
            Some("accept its licence"),
        ),
        (404, "not found (404): some-org/tiny@main does not exist", None),
        (500, "answered with the status 500", None),
    ] {
        let mut refusing = site("llama3-tied-f32");
        refusing.status = Some(status);
        let error = place(refusing).get().unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        match hint {
            Some(hint) => assert!(error.hint().unwrap().contains(hint)),
            None => assert_eq!(error.hint(), None),
        }
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
