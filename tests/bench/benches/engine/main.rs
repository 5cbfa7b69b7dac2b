//! The engine, end to end: `cargo xtask bench engine`, as root.
//!
//! The daemon runs in network namespaces of its own and keeps its state on a disk. Each figure stands beside a floor that was
//! measured in the same run, in rounds that took turns with it; the ratio is the median of the rounds' ratios.

mod curve;
mod http;
mod packets;
mod start;
mod throughput;
mod within;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use oc2_tests_bench::{Bar, Host, Report, Row, Unit, median, serve_constant, serve_prototype};
use tempfile::TempDir;

fn main() -> Result<(), Box<dyn Error>> {
    serve_constant()?;
    serve_prototype()?;
    let Some(asked) = Asked::read()? else { return Ok(()) };
    fs::create_dir_all(&asked.out)?;
    // Beside what was built: a disk, where /tmp may be memory.
    let dir = tempfile::Builder::new().prefix("state-").tempdir_in(&asked.out)?;
    let (program, only) = (asked.program, asked.only);
    let mut bench = Bench { program, dir, report: Report::default(), n_hosts: 0, only, part: "", has_run: false };
    let out = asked.out.as_path();
    let parts: [(&str, Part<'_>); 7] = [
        ("http", &http::run),
        ("throughput", &throughput::run),
        ("latency", &within::latency),
        ("within", &within::run),
        ("packets", &packets::run),
        ("start", &start::run),
        ("curve", &|bench| curve::run(bench, out)),
    ];
    for (name, part) in parts {
        bench.part = name;
        part(&mut bench)?;
    }
    if !bench.has_run {
        return Err(format!("no part and no row is called {}", bench.only.join(" or ")).into());
    }
    let json = serde_json::to_string_pretty(&bench.report.json())?;
    fs::write(asked.out.join("engine.json"), &json)?;
    if asked.json {
        println!("{json}");
    } else {
        println!("{}", bench.report);
    }
    Ok(())
}

/// What all parts work with.
struct Bench {
    program: PathBuf,
    dir: TempDir,
    report: Report,
    n_hosts: usize,
    /// Names of parts, and words in what rows are called; everything where there are none.
    only: Vec<String>,
    /// The part that is being run.
    part: &'static str,
    has_run: bool,
}

type Outcome = Result<(), Box<dyn Error>>;

impl Bench {
    /// Another host, with nothing on it.
    fn host(&mut self) -> Result<Host, Box<dyn Error>> {
        self.n_hosts += 1;
        Ok(Host::new(&self.program, self.dir.path().join(self.n_hosts.to_string()))?)
    }

    /// Whether a row is asked for, by itself or with its part. Those that are measured together are known by the first.
    fn wants(&mut self, what: &str) -> bool {
        let is_meant = |only: &String| only.split(',').any(|part| part == self.part) || what.contains(only.as_str());
        let wants = self.only.is_empty() || self.only.iter().any(is_meant);
        self.has_run |= wants;
        wants
    }

    /// A folder for floors, on the same disk.
    fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What rounds came to: the floor and ours of each.
    fn add(&mut self, what: &str, unit: Unit, rounds: &[(f64, f64)], bar: Option<Bar>) {
        let column = |of: fn(&(f64, f64)) -> f64| median(&rounds.iter().map(of).collect::<Vec<_>>());
        self.report.add(Row {
            what: what.to_owned(),
            floor: Some(column(|round| round.0)),
            ours: column(|round| round.1),
            unit,
            ratio: Some(column(|round| round.1 / round.0)),
            bar,
        });
    }
}

/// What the command line asks for.
struct Asked {
    program: PathBuf,
    out: PathBuf,
    json: bool,
    only: Vec<String>,
}

impl Asked {
    /// None where cargo only looks whether there is something to run.
    fn read() -> Result<Option<Self>, Box<dyn Error>> {
        let mut args = env::args().skip(1);
        let (mut is_bench, mut program, mut out, mut json, mut only) = (false, None, None, false, Vec::new());
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => is_bench = true,
                "--json" => json = true,
                "--daemon" => program = args.next().map(PathBuf::from),
                "--out" => out = args.next().map(PathBuf::from),
                other => only.push(other.to_owned()),
            }
        }
        if !is_bench {
            return Ok(None);
        }
        let (Some(program), Some(out)) = (program, out) else {
            return Err("--daemon and --out have to be given: use `cargo xtask bench engine`".into());
        };
        Ok(Some(Self { program, out, json, only }))
    }
}

type Part<'a> = &'a dyn Fn(&mut Bench) -> Outcome;

fn microseconds(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
