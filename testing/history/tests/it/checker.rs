//! The checker accepts good histories, and names the broken rules of each bad one.

use std::{
    collections::BTreeSet,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use ::history::{Rule, check, history};

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new("tests/fixtures").read_dir().expect("the fixtures");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn read(file: &Path) -> history::History {
    let lines = BufReader::new(File::open(file).expect("a fixture"));
    history::read(lines).unwrap_or_else(|error| panic!("{}: {error:#}", file.display()))
}

#[test]
fn each_fixture_breaks_exactly_the_rules_that_it_names() {
    let mut wrong = vec![];
    for file in fixtures() {
        let history = read(&file);
        let expected: BTreeSet<&str> = history.run.violates.iter().map(String::as_str).collect();
        let violations = check(&history);
        let found: BTreeSet<&str> = violations.iter().map(|violation| violation.rule.name()).collect();
        if found != expected {
            wrong.push(format!("{}: expected {expected:?}, found {violations:#?}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_has_a_fixture_that_breaks_it_and_good_histories_exist() {
    let named: Vec<Vec<String>> = fixtures().iter().map(|file| read(file).run.violates).collect();
    assert!(named.iter().filter(|violates| violates.is_empty()).count() >= 3);
    for rule in Rule::ALL {
        assert!(named.iter().flatten().any(|name| name == rule.name()), "no fixture breaks {}", rule.name());
    }
}

#[test]
fn a_history_that_was_written_is_read_as_it_was() {
    for file in fixtures() {
        let mut written = vec![];
        history::write(read(&file), &mut written).expect("written");
        let again = history::read(written.as_slice()).expect("read again");
        assert_eq!(format!("{again:?}"), format!("{:?}", read(&file)));
    }
}
