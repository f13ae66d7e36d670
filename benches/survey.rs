//! Times the reading of a survey file of full size: 97,000 synthetic people, 600 columns.
//!
//! `cargo bench --bench survey`; other sizes with `-- PEOPLE COLUMNS`. It writes the file once into the build folder,
//! reads it three times, and prints the fastest reading and the most memory that this process ever had.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use indieval::survey::{
    Catalogue, Demographics, IncomeGrouping, RepeatedIds, SurveyFile, SyntheticOptions, SyntheticProfile,
    write_synthetic,
};

/// What the survey's cross-national release has, roughly.
const PEOPLE: usize = 97_000;
const COLUMNS: usize = 600;
const READINGS: usize = 3;
/// Different people; they are repeated to fill the file, which is about reading, not about them.
const DIFFERENT: usize = 2_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut sizes = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse::<usize>().ok());
    let people = sizes.next().unwrap_or(PEOPLE);
    let columns = sizes.next().unwrap_or(COLUMNS);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-survey-synthetic.csv");
    let bytes = write(&path, people, columns)?;
    println!(
        "{people} synthetic people, {columns} columns, {:.0} MB",
        bytes as f64 / 1e6
    );

    let catalogue = Catalogue::builtin()?;
    let demographics = Demographics::builtin(IncomeGrouping::Thirds)?;
    let mut fastest = f64::INFINITY;
    for _ in 0..READINGS {
        let start = Instant::now();
        let read = SurveyFile::read(&path, catalogue, demographics, RepeatedIds::KeepAll)?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
        assert_eq!(read.respondents.len(), people);
    }
    println!(
        "fastest of {READINGS} readings: {fastest:.2} s, {:.0} MB/s",
        bytes as f64 / 1e6 / fastest
    );
    match peak_memory() {
        Some(megabytes) => println!("most memory of this process: {megabytes:.0} MB"),
        None => println!("most memory: skipped, this system does not tell"),
    }
    std::fs::remove_file(path)?;
    Ok(())
}

/// Writes the file and returns its size in bytes.
fn write(path: &Path, people: usize, columns: usize) -> Result<u64, Failure> {
    let few = path.with_extension("part");
    let options = SyntheticOptions {
        respondents: DIFFERENT.min(people),
        seed: 1,
        profile: SyntheticProfile::Surveyed,
    };
    write_synthetic(&options, File::create(&few)?)?;
    let lines: Vec<String> = BufReader::new(File::open(&few)?).lines().collect::<Result<_, _>>()?;
    std::fs::remove_file(few)?;
    let (header, rows) = lines.split_first().ok_or("no header")?;
    let width = header.split(',').count();
    let id_column = header
        .split(',')
        .position(|name| name == "D_INTERVIEW")
        .ok_or("no ids")?;

    let mut output = BufWriter::new(File::create(path)?);
    let (mut names, mut filler) = (String::new(), String::new());
    for extra in width..columns {
        write!(names, ",X{extra}")?;
        filler.push_str(",-4");
    }
    writeln!(output, "{header}{names}")?;
    for (number, row) in rows.iter().cycle().take(people).enumerate() {
        let mut fields: Vec<&str> = row.split(',').collect();
        let id = format!("synthetic-{number}");
        fields[id_column] = &id;
        writeln!(output, "{}{filler}", fields.join(","))?;
    }
    output.flush()?;
    Ok(std::fs::metadata(path)?.len())
}

/// Highest resident memory in MB, where the system tells it.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}
