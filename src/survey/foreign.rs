//! Files that people hand in and that are no table of text: what they are, and the one line that makes a CSV of them.

use std::fmt;
use std::path::{Path, PathBuf};

use super::wide_text::WideText;
use crate::base::shell;

/// A kind of file that is no text table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// SPSS, `.sav` or `.zsav`.
    Spss,
    /// Stata, `.dta`.
    Stata,
    /// One object of R, `.rds`, or several, `.RData`.
    R,
    /// A spreadsheet of Excel, `.xlsx`.
    Excel,
    /// A spreadsheet of Excel before 2007, `.xls`.
    OldExcel,
    /// A spreadsheet of LibreOffice, `.ods`.
    OpenDocument,
    /// A table of Apache Parquet.
    Parquet,
    /// Text in UTF-16 or UTF-32.
    Wide(WideText),
    /// A data set of SAS, `.sas7bdat`.
    Sas,
    /// Packed by xz.
    Xz,
    /// Packed by bzip2.
    Bzip2,
    /// Packed by Zstandard.
    Zstd,
    /// An archive of 7-Zip.
    SevenZip,
    /// A RAR archive.
    Rar,
    /// A tape archive, `.tar` or `.tar.gz`.
    Tar,
    /// A page that a web server sent in place of the file.
    WebPage,
    /// A document, such as the code book.
    Pdf,
}

/// First bytes, beginning with the likeliest.
const MAGIC: [(&[u8], Foreign); 26] = [
    (b"$FL2", Foreign::Spss),
    (b"$FL3", Foreign::Spss),
    (b"<stata_dta>", Foreign::Stata),
    // Stata 8 to 12: the release, then the byte order.
    (b"\x71\x01", Foreign::Stata),
    (b"\x71\x02", Foreign::Stata),
    (b"\x72\x01", Foreign::Stata),
    (b"\x72\x02", Foreign::Stata),
    (b"\x73\x01", Foreign::Stata),
    (b"\x73\x02", Foreign::Stata),
    (b"RDX", Foreign::R),
    (b"RDA", Foreign::R),
    // An object of R: binary or ASCII, always behind gzip unless it was saved without.
    (b"X\n\0\0\0", Foreign::R),
    (b"A\n2\n", Foreign::R),
    (b"A\n3\n", Foreign::R),
    (b"\xd0\xcf\x11\xe0", Foreign::OldExcel),
    (b"PAR1", Foreign::Parquet),
    (
        b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60\xb3\x14\x11\xcf",
        Foreign::Sas,
    ),
    (b"\xfd7zXZ\0", Foreign::Xz),
    (b"BZh", Foreign::Bzip2),
    (b"\x28\xb5\x2f\xfd", Foreign::Zstd),
    (b"7z\xbc\xaf\x27\x1c", Foreign::SevenZip),
    (b"Rar!\x1a\x07", Foreign::Rar),
    (b"%PDF-", Foreign::Pdf),
    (b"<!DOCTYPE", Foreign::WebPage),
    (b"<!doctype", Foreign::WebPage),
    (b"<html", Foreign::WebPage),
];

/// What a tape archive has, and where.
const TAR: (usize, &[u8]) = (257, b"ustar");

impl Foreign {
    /// What the first bytes of a file tell.
    pub(super) fn of_bytes(start: &[u8]) -> Option<Self> {
        let (place, tar) = TAR;
        if start.get(place..).is_some_and(|rest| rest.starts_with(tar)) {
            return Some(Self::Tar);
        }
        // Web servers put blank lines before a page.
        let page = start.trim_ascii_start();
        MAGIC
            .iter()
            .find(|(magic, kind)| match kind {
                Self::WebPage => page.starts_with(magic),
                _ => start.starts_with(magic),
            })
            .map(|&(_, kind)| kind)
            .or_else(|| WideText::of_bytes(start).map(Self::Wide))
    }

    /// What the names in a ZIP archive tell.
    pub(super) fn of_members<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<Self> {
        names.find_map(|name| match name {
            "[Content_Types].xml" => Some(Self::Excel),
            "content.xml" => Some(Self::OpenDocument),
            _ => None,
        })
    }

    /// What to do with the file at `path`: for most, the line of shell that writes it as CSV beside it or unpacks it.
    pub(crate) fn remedy(self, path: &Path, packed: Option<&Packing>) -> String {
        let (first, path) = match packed {
            // Their own programs unpack these.
            None => (String::new(), path.to_owned()),
            Some(Packing::Gzip) if matches!(self, Self::R | Self::Tar) => (String::new(), path.to_owned()),
            Some(packed) => packed.unpacking(path),
        };
        let from = quoted(&path);
        let unpacked = || quoted(&beside(&path, "-unpacked.csv"));
        let unpack = match self {
            Self::WebPage => {
                return "download the file in a browser, signed in and with the conditions of use accepted".to_owned();
            }
            Self::Pdf => return "give the data file, not its documentation".to_owned(),
            Self::Xz => format!("xz -d -k -c {from} > {}", unpacked()),
            Self::Bzip2 => format!("bzip2 -d -k -c {from} > {}", unpacked()),
            Self::Zstd => format!("zstd -d -c {from} > {}", unpacked()),
            Self::SevenZip => format!("7z x {from}"),
            Self::Rar => format!("unrar x {from}"),
            Self::Tar => format!("tar -xf {from}"),
            _ => return format!("make a CSV of it: {first}{}", self.conversion(&path)),
        };
        format!("unpack it: {first}{unpack}")
    }

    /// The line of shell that writes a table of another program as CSV beside it.
    fn conversion(self, path: &Path) -> String {
        let (from, to) = (quoted(path), quoted(&beside(path, ".csv")));
        let (packages, call) = match self {
            Self::Spss => ("pyreadstat", "import pyreadstat; pyreadstat.read_sav(a)[0]"),
            Self::Stata => ("pyreadstat", "import pyreadstat; pyreadstat.read_dta(a)[0]"),
            Self::R => ("pyreadr", "import pyreadr; next(iter(pyreadr.read_r(a).values()))"),
            Self::Excel => ("pandas openpyxl", "import pandas; pandas.read_excel(a)"),
            Self::OldExcel => ("pandas xlrd", "import pandas; pandas.read_excel(a)"),
            Self::OpenDocument => ("pandas odfpy", "import pandas; pandas.read_excel(a)"),
            Self::Parquet => ("pandas pyarrow", "import pandas; pandas.read_parquet(a)"),
            Self::Sas => ("pyreadstat", "import pyreadstat; pyreadstat.read_sas7bdat(a)[0]"),
            Self::Wide(form) => {
                let to = quoted(&beside(path, "-utf8.csv"));
                return format!("iconv -f {} -t UTF-8 {from} > {to}", form.name());
            }
            // `remedy` has other words for these.
            Self::Xz
            | Self::Bzip2
            | Self::Zstd
            | Self::SevenZip
            | Self::Rar
            | Self::Tar
            | Self::WebPage
            | Self::Pdf => return String::new(),
        };
        let (import, read) = call.split_once("; ").unwrap_or(("", call));
        format!(
            "pip install {packages} && python3 -c \"import sys; {import}; a, b = sys.argv[1:]; {read}.to_csv(b, index=False)\" {from} {to}"
        )
    }
}

/// What was around the bytes that were looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packing {
    /// The whole file is packed by gzip.
    Gzip,
    /// They are this member of a ZIP archive.
    Zip(String),
}

impl Packing {
    /// The beginning of a line of shell that unpacks the file at `path`, and where what is in it lies then.
    fn unpacking(&self, path: &Path) -> (String, PathBuf) {
        let (from, member) = (quoted(path), Path::new(path.file_stem().unwrap_or_default()));
        let (command, member) = match self {
            Self::Gzip => (format!("gzip -d -c {from}"), member),
            Self::Zip(name) => {
                let name = Path::new(name);
                (format!("unzip -p {from} {}", quoted(name)), name)
            }
        };
        let end = member.extension().unwrap_or_default().to_string_lossy();
        let to = path.with_file_name(member.file_stem().unwrap_or_default());
        let to = beside(&to.with_added_extension("x"), &format!("-unpacked.{end}"));
        (format!("{command} > {} && ", quoted(&to)), to)
    }

    /// What follows the name of the file that they are in.
    pub(super) fn within(packed: Option<&Self>) -> String {
        match packed {
            None => String::new(),
            Some(Self::Gzip) => ", once unpacked,".to_owned(),
            Some(Self::Zip(name)) => format!(": {name}"),
        }
    }
}

/// The same name with another end, never the name itself.
fn beside(path: &Path, end: &str) -> PathBuf {
    let stem = Path::new(path.file_stem().unwrap_or_default());
    let stem = if stem.extension().is_some_and(|end| end == "csv") {
        stem.file_stem().unwrap_or_default()
    } else {
        stem.as_os_str()
    };
    let mut name = stem.to_owned();
    name.push(end);
    let other = path.with_file_name(name);
    if other == path {
        beside(path, "-table.csv")
    } else {
        other
    }
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    shell::quoted(&path.display().to_string())
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wide(form) => return form.fmt(f),
            Self::Spss => "an SPSS file",
            Self::Stata => "a Stata file",
            Self::R => "an R data file",
            Self::Excel => "an Excel spreadsheet",
            Self::OldExcel => "an old Excel spreadsheet",
            Self::OpenDocument => "an OpenDocument spreadsheet",
            Self::Parquet => "a Parquet file",
            Self::Sas => "a SAS data set",
            Self::Xz => "packed by xz",
            Self::Bzip2 => "packed by bzip2",
            Self::Zstd => "packed by Zstandard",
            Self::SevenZip => "a 7-Zip archive",
            Self::Rar => "a RAR archive",
            Self::Tar => "a tar archive",
            Self::WebPage => "a web page",
            Self::Pdf => "a PDF document",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_names_the_file_and_where_its_table_goes() {
        let line = Foreign::Spss.remedy(Path::new("my data/WVS's.sav"), None);
        assert!(
            line.ends_with(r"'my data/WVS'\''s.sav' 'my data/WVS'\''s.csv'"),
            "{line}"
        );
        assert!(line.contains("read_sav(a)[0].to_csv(b, index=False)"), "{line}");
        assert_eq!(
            Foreign::Wide(WideText::Utf16).remedy(Path::new("India.csv"), None),
            "make a CSV of it: iconv -f UTF-16 -t UTF-8 'India.csv' > 'India-utf8.csv'"
        );
        let misnamed = Foreign::Parquet.remedy(Path::new("people.csv"), None);
        assert!(misnamed.ends_with("'people.csv' 'people-table.csv'"), "{misnamed}");
        assert_eq!(
            Foreign::Xz.remedy(Path::new("WVS.csv.xz"), None),
            "unpack it: xz -d -k -c 'WVS.csv.xz' > 'WVS-unpacked.csv'"
        );
    }

    #[test]
    fn what_is_packed_is_unpacked_first() {
        let gzip = Some(&Packing::Gzip);
        assert_eq!(
            Foreign::Wide(WideText::Utf32Be).remedy(Path::new("a b/India.csv.gz"), gzip),
            "make a CSV of it: gzip -d -c 'a b/India.csv.gz' > 'a b/India-unpacked.csv' && \
             iconv -f UTF-32BE -t UTF-8 'a b/India-unpacked.csv' > 'a b/India-unpacked-utf8.csv'"
        );
        assert_eq!(
            Foreign::Wide(WideText::Utf16).remedy(Path::new("d/WVS.zip"), Some(&Packing::Zip("data/WVS.csv".into()))),
            "make a CSV of it: unzip -p 'd/WVS.zip' 'data/WVS.csv' > 'd/WVS-unpacked.csv' && \
             iconv -f UTF-16 -t UTF-8 'd/WVS-unpacked.csv' > 'd/WVS-unpacked-utf8.csv'"
        );
        assert_eq!(
            Foreign::Tar.remedy(Path::new("WVS.tar.gz"), gzip),
            "unpack it: tar -xf 'WVS.tar.gz'"
        );
        let inner = Foreign::Spss.remedy(Path::new("WVS.sav.gz"), gzip);
        assert!(inner.contains("> 'WVS-unpacked.sav' && pip install"), "{inner}");
        assert!(inner.ends_with("'WVS-unpacked.sav' 'WVS-unpacked.csv'"), "{inner}");
    }

    #[test]
    fn first_bytes_tell_what_a_file_is() {
        assert_eq!(Foreign::of_bytes(b"$FL2@(#)"), Some(Foreign::Spss));
        assert_eq!(Foreign::of_bytes(b"<stata_dta><header>"), Some(Foreign::Stata));
        assert_eq!(Foreign::of_bytes(b"PAR1\x15\x04"), Some(Foreign::Parquet));
        assert_eq!(Foreign::of_bytes(b"\r\n <!DOCTYPE html>"), Some(Foreign::WebPage));
        assert_eq!(
            Foreign::of_bytes(&[&[b'a'; 257][..], b"ustar"].concat()),
            Some(Foreign::Tar)
        );
        assert_eq!(Foreign::of_bytes(b"version,doi,A_WAVE"), None);
        assert_eq!(Foreign::of_bytes(b"\"Q1\";\"Q2\""), None);
        let members = ["_rels/.rels", "[Content_Types].xml", "xl/workbook.xml"];
        assert_eq!(Foreign::of_members(members.into_iter()), Some(Foreign::Excel));
        assert_eq!(Foreign::of_members(["WVS.csv"].into_iter()), None);
    }
}
