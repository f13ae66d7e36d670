//! Files that inputs become.

use std::fs;
use std::path::{Path, PathBuf};

/// A folder in memory, filled with a copy of good files; one of them at a time is replaced by the input.
pub struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    /// An empty folder for one target.
    pub fn empty(name: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        let folder = parent.join(format!("indieval-fuzz-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder to work in");
        Self { folder }
    }

    /// A copy of `fuzz/base/BASE`, which `scripts/make_fuzz_corpus.py` has made.
    pub fn of(base: &str) -> Self {
        let scratch = Self::empty(&base.replace('/', "-"));
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("base").join(base);
        let entries = fs::read_dir(&from)
            .unwrap_or_else(|error| panic!("{}: {error}; run scripts/make_fuzz_corpus.py first", from.display()));
        for entry in entries {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_owned();
            fs::copy(&path, scratch.folder.join(name)).expect("a copy");
        }
        scratch
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What a file holds; nothing where there is none.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    /// Writes a file, anew: nobody may have the old one mapped.
    pub fn write(&self, name: &str, content: &[u8]) {
        self.remove(name);
        fs::write(self.path(name), content).expect("memory for a file");
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
    }

    /// Does something while `name` holds `content`, and puts back what it held.
    pub fn with<T>(&self, name: &str, content: &[u8], work: impl FnOnce(&Path) -> T) -> T {
        let before = fs::read(self.path(name)).ok();
        self.write(name, content);
        let done = work(&self.folder);
        match before {
            Some(before) => self.write(name, &before),
            None => self.remove(name),
        }
        done
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The first byte of an input chooses, the rest is what is chosen for; `None` for an empty input.
pub fn choose<T>(input: &[u8], among: usize, with: impl FnOnce(usize, &[u8]) -> T) -> Option<T> {
    let (&first, rest) = input.split_first()?;
    Some(with(usize::from(first) % among, rest))
}
