//! Paths as a record may hold them: from where the command was called, so that no machine's folders
//! stand in what is compared byte for byte.

use std::path::{Component, Path, PathBuf};

/// The path as seen from the working directory: `scenarios/quickstart.toml`, however it was written.
/// What cannot be resolved stays as it is.
pub fn from_here(path: &Path) -> PathBuf {
    let plain: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if path.is_relative() {
        return plain;
    }
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let folder = plain.parent().map(Path::canonicalize);
    match (here, folder, plain.file_name()) {
        (Ok(here), Some(Ok(folder)), Some(name)) => between(&here, &folder).join(name),
        _ => plain,
    }
}

/// A `--set` as a record may hold it: a file of this machine in its value reads as from the scenario's folder, where
/// paths in a scenario count from. It stays as it is for a folder of scenarios, which may have more of them.
pub fn set_of(scenario: &Path, set: &str) -> String {
    let file = |path: &Path| path.is_file().then(|| path.canonicalize().ok()).flatten();
    let told = set.split_once('=').and_then(|(key, value)| {
        let value = Some(Path::new(value)).filter(|value| value.is_absolute())?;
        let (scenario, value) = (file(scenario)?, file(value)?);
        Some(format!("{key}={}", between(scenario.parent()?, &value).display()))
    });
    told.unwrap_or_else(|| set.to_owned())
}

/// The way from one folder to another, both absolute and without links.
fn between(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_goes_up_and_down() {
        let way = |from, to| between(Path::new(from), Path::new(to)).display().to_string();
        assert_eq!(way("/a/b", "/a/b/c/d"), "c/d");
        assert_eq!(way("/a/b", "/a/x"), "../x");
        assert_eq!(way("/a", "/a"), "");
    }

    #[test]
    fn however_a_path_is_written_it_reads_the_same() {
        let here = std::env::current_dir().expect("there is one");
        for written in
            [PathBuf::from("src/main.rs"), "./src/main.rs".into(), here.join("src/main.rs")]
        {
            assert_eq!(from_here(&written), Path::new("src/main.rs"), "{}", written.display());
        }
        assert_eq!(from_here(Path::new("/no/such/folder/x")), Path::new("/no/such/folder/x"));
    }

    #[test]
    fn a_file_in_a_set_reads_from_the_folder_of_its_scenario() {
        let here = std::env::current_dir().expect("there is one");
        let file = here.join("calibration/default.toml").display().to_string();
        let scenario = Path::new("../scenarios/quickstart.toml");
        let set = set_of(scenario, &format!("cpu.calibration={file}"));
        assert_eq!(set, "cpu.calibration=../sim/calibration/default.toml");
        for other in ["im.fanout=read", "cpu.calibration=/no/such/file", "nothing"] {
            assert_eq!(set_of(scenario, other), other);
        }
        let set = format!("cpu.calibration={file}");
        assert_eq!(set_of(Path::new("../scenarios"), &set), set, "from which folder?");
    }
}
