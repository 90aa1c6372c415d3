//! Which crate may depend on which: the table of crates in `docs/architecture.md`, held against what Cargo says.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::repository::{root, text};

const PAGE: &str = "docs/architecture.md";
/// The header of the table of crates; its rows follow the line of dashes below it.
const HEADER: &str = "| folder | what lives there | may depend on | its tests may also depend on |";

/// What one crate uses of this workspace, or what its row allows. Every crate is named by its folder.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Arrows {
    normal: BTreeSet<String>,
    tests: BTreeSet<String>,
}

type Crates = BTreeMap<String, Arrows>;

/// Where the workspace differs from its table, or the table from the order of the floors.
fn violations(table: &Crates, workspace: &Crates) -> Vec<String> {
    let mut violations = Vec::new();
    for (folder, uses) in workspace {
        let Some(allowed) = table.get(folder) else {
            violations.push(format!("crate `{folder}` has no row"));
            continue;
        };
        for used in uses.normal.difference(&allowed.normal) {
            violations.push(format!("row `{folder}` does not allow the dependency on `{used}`"));
        }
        for used in uses.tests.iter().filter(|used| !allowed.normal.contains(*used) && !allowed.tests.contains(*used)) {
            violations.push(format!("row `{folder}` does not allow its tests the dependency on `{used}`"));
        }
    }
    for (folder, allowed) in table {
        if !workspace.contains_key(folder) {
            violations.push(format!("row `{folder}` stands for no crate"));
        }
        let unused = |others: &BTreeSet<String>, used: fn(&Arrows) -> &BTreeSet<String>| {
            let used = workspace.get(folder).map(used);
            others.iter().filter(|other| used.is_some_and(|used| !used.contains(*other))).cloned().collect::<Vec<_>>()
        };
        let unused =
            [unused(&allowed.normal, |uses| &uses.normal), unused(&allowed.tests, |uses| &uses.tests)].concat();
        for other in allowed.normal.union(&allowed.tests) {
            if !workspace.contains_key(other) {
                violations.push(format!("row `{folder}` allows `{other}`, which is no crate"));
            } else if allowed.normal.contains(other) && !may_stand_on(folder, other) {
                violations.push(format!("row `{folder}` allows `{other}`, which does not stand below it"));
            } else if unused.contains(other) {
                violations.push(format!("row `{folder}` allows `{other}`, which it does not use"));
            }
        }
    }
    violations
}

/// Libraries may depend on libraries. Programs may depend on libraries, never on each other. Testing may depend on all.
fn may_stand_on(upper: &str, lower: &str) -> bool {
    upper.starts_with("testing/") || lower.starts_with("libs/")
}

fn table(page: &str) -> Crates {
    let mut lines = page.lines().skip_while(|line| *line != HEADER);
    assert!(lines.next().is_some(), "{PAGE} has no line {HEADER:?}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
        let [folder, _, normal, tests] = cells[..] else { panic!("{PAGE}: not four columns: {row}") };
        let folder = folders(folder).pop_first().unwrap_or_else(|| panic!("{PAGE}: no folder in {row}"));
        (folder, Arrows { normal: folders(normal), tests: folders(tests) })
    })
    .collect()
}

/// The words between backticks, without a slash at their end.
fn folders(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(|folder| folder.trim_end_matches('/').to_owned()).collect()
}

fn workspace() -> Crates {
    let root = root().canonicalize().unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--no-deps", "--format-version", "1"])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(metadata.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(|package| arrows(package, &root)).collect()
}

fn arrows(package: &Value, root: &Path) -> (String, Arrows) {
    let within = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let mut arrows = Arrows::default();
    for dependency in package["dependencies"].as_array().unwrap() {
        let Some(path) = dependency["path"].as_str() else { continue };
        let of_tests = dependency["kind"].as_str() == Some("dev");
        let kind = if of_tests { &mut arrows.tests } else { &mut arrows.normal };
        kind.insert(within(Path::new(path)));
    }
    (within(manifest.parent().unwrap()), arrows)
}

#[test]
fn every_crate_depends_only_on_what_its_row_allows() {
    let violations = violations(&table(&text(PAGE)), &workspace());
    assert!(violations.is_empty(), "{PAGE} and the crates disagree:\n{}", violations.join("\n"));
}

/// A table of three crates that is in order, and the workspace that it describes.
fn given_table() -> Crates {
    table(&format!(
        "# Page\n{HEADER}\n|---|---|---|---|\n\
         | `libs/kit/` | ground | – | `testing/testbed` |\n\
         | `services/booking/` | sells | `libs/kit` | `testing/testbed` |\n\
         | `testing/testbed/` | stores | – | – |\n\n\
         | `charts/` | no crate | – | – |\n"
    ))
}

#[test]
fn a_table_that_the_crates_follow_has_no_violation() {
    assert_eq!(violations(&given_table(), &given_table()), Vec::<String>::new());
}

#[test]
fn a_dependency_that_its_row_does_not_allow_is_named_with_the_row() {
    let mut workspace = given_table();
    workspace.get_mut("libs/kit").unwrap().normal.insert("services/booking".to_owned());
    workspace.get_mut("testing/testbed").unwrap().tests.insert("services/booking".to_owned());
    assert_eq!(
        violations(&given_table(), &workspace),
        [
            "row `libs/kit` does not allow the dependency on `services/booking`",
            "row `testing/testbed` does not allow its tests the dependency on `services/booking`",
        ]
    );
}

#[test]
fn what_tests_may_use_the_program_may_not() {
    let mut workspace = given_table();
    workspace.get_mut("services/booking").unwrap().normal.insert("testing/testbed".to_owned());
    assert_eq!(
        violations(&given_table(), &workspace),
        ["row `services/booking` does not allow the dependency on `testing/testbed`"]
    );
}

#[test]
fn a_row_without_a_crate_and_a_crate_without_a_row_are_named() {
    let mut workspace = given_table();
    let booking = workspace.remove("services/booking").unwrap();
    workspace.insert("services/selling".to_owned(), booking);
    assert_eq!(
        violations(&given_table(), &workspace),
        ["crate `services/selling` has no row", "row `services/booking` stands for no crate"]
    );
}

#[test]
fn a_cell_that_names_no_crate_is_named_with_its_row() {
    let mut table = given_table();
    table.get_mut("services/booking").unwrap().normal.insert("libs/kid".to_owned());
    table.get_mut("libs/kit").unwrap().tests.insert("testing/testbad".to_owned());
    assert_eq!(
        violations(&table, &given_table()),
        [
            "row `libs/kit` allows `testing/testbad`, which is no crate",
            "row `services/booking` allows `libs/kid`, which is no crate",
        ]
    );
}

#[test]
fn a_row_may_not_allow_an_arrow_that_leads_up_or_from_service_to_service() {
    let mut table = given_table();
    table.get_mut("libs/kit").unwrap().normal.insert("services/booking".to_owned());
    table.get_mut("services/booking").unwrap().normal.insert("testing/testbed".to_owned());
    assert_eq!(
        violations(&table, &given_table()),
        [
            "row `libs/kit` allows `services/booking`, which does not stand below it",
            "row `services/booking` allows `testing/testbed`, which does not stand below it",
        ]
    );
}

#[test]
fn what_a_row_allows_without_need_is_named() {
    let mut table = given_table();
    table.get_mut("services/booking").unwrap().normal.insert("libs/seats".to_owned());
    table.insert("libs/seats".to_owned(), Arrows::default());
    let mut workspace = given_table();
    workspace.insert("libs/seats".to_owned(), Arrows::default());
    workspace.get_mut("libs/kit").unwrap().tests.clear();
    assert_eq!(
        violations(&table, &workspace),
        [
            "row `libs/kit` allows `testing/testbed`, which it does not use",
            "row `services/booking` allows `libs/seats`, which it does not use",
        ]
    );
}
