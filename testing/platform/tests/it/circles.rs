//! Modules import each other in one direction: no circle in any folder of any crate, and in booking no arrow from a lower room to
//! a higher one. What counts as an import, and what is not seen, is in `sources.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    repository::{files, root, text},
    sources::{Crate, Module},
};

const PAGE: &str = "docs/architecture.md";
/// The line with booking's top-level modules in backticks.
const ORDER: &str = "Order of booking's rooms, low to high:";

/// For each folder, which of its modules import which others.
type Levels = BTreeMap<Module, BTreeMap<String, BTreeSet<String>>>;

fn levels(of: &Crate) -> Levels {
    let mut levels = Levels::new();
    for (from, to) in of.imports() {
        let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
        // A module that names its own parent, or something inside itself, crosses no border between neighbours.
        if let (Some(one), Some(other)) = (from.get(shared), to.get(shared)) {
            let level = levels.entry(from[..shared].to_vec()).or_default();
            level.entry(one.clone()).or_default().insert(other.clone());
        }
    }
    levels
}

/// The shortest circle through each module, every circle once.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<&str>> {
    let found = imports.keys().filter_map(|start| circle_through(imports, start));
    // Written from its first name in the alphabet on, a circle is the same whoever found it.
    found
        .map(|mut circle| {
            let first = (0..circle.len()).min_by_key(|index| circle[*index]).unwrap_or(0);
            circle.rotate_left(first);
            circle
        })
        .collect()
}

fn circle_through<'a>(imports: &'a BTreeMap<String, BTreeSet<String>>, start: &'a str) -> Option<Vec<&'a str>> {
    let mut ways: VecDeque<Vec<&str>> = [vec![start]].into();
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in imports.get(*way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back(way.iter().copied().chain([next.as_str()]).collect());
            }
        }
    }
    None
}

fn circles_of(name: &str, of: &Crate) -> Vec<String> {
    let levels = levels(of);
    let circles =
        levels.iter().flat_map(|(folder, imports)| circles(imports).into_iter().map(move |circle| (folder, circle)));
    circles
        .map(|(folder, circle)| format!("{name}/{}: {} → {}", folder.join("/"), circle.join(" → "), circle[0]))
        .collect()
}

/// Imports that lead from a lower room to a higher one, and rooms that the order does not know.
fn climbs(order: &[&str], of: &Crate) -> Vec<String> {
    let floor = |room: &str| order.iter().position(|other| *other == room);
    let rooms = of.at_the_root();
    let unknown = rooms.iter().filter(|room| floor(room).is_none()).map(|room| format!("`{room}` is not in the order"));
    let missing = order
        .iter()
        .filter(|room| !rooms.iter().any(|other| other == *room))
        .map(|room| format!("`{room}` is no room"));
    let imports = levels(of).remove(&Module::new()).unwrap_or_default();
    let climbing = imports.iter().flat_map(|(lower, uppers)| {
        uppers
            .iter()
            .filter(|upper| floor(lower) < floor(upper))
            .map(move |upper| format!("`{lower}` imports `{upper}`"))
    });
    unknown.chain(missing).chain(climbing).collect()
}

/// Folders that have a crate's root, among sources and tests.
fn crate_folders() -> Vec<String> {
    let roots = ["src/lib.rs", "src/main.rs", "tests/it/main.rs", "tests/node/main.rs"];
    let files = files();
    let of_crates = files.iter().filter(|file| roots.iter().any(|root| file.ends_with(&format!("/{root}"))));
    of_crates
        .filter_map(|file| file.rsplit_once('/'))
        .map(|(folder, _)| folder.to_owned())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[test]
fn no_modules_of_one_folder_import_each_other_in_a_circle() {
    let found: Vec<String> =
        crate_folders().iter().flat_map(|folder| circles_of(folder, &Crate::read(&root().join(folder)))).collect();
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

#[test]
fn no_room_of_booking_imports_a_higher_one() {
    let page = text(PAGE);
    let line =
        page.lines().find(|line| line.starts_with(ORDER)).unwrap_or_else(|| panic!("{PAGE} has no line {ORDER:?}"));
    let order: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
    let found = climbs(&order, &Crate::read(&root().join("services/booking/src")));
    assert!(found.is_empty(), "{PAGE} and booking disagree:\n{}", found.join("\n"));
}

/// A crate of the modules `a/`, `a/one`, `a/two`, `b` and the root, each with the text given.
fn given_crate(texts: [(&str, &str); 5]) -> Crate {
    Crate::parse(texts.map(|(module, text)| {
        (module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(), text.to_owned())
    }))
}

#[test]
fn a_crate_whose_imports_lead_one_way_has_no_circle() {
    let straight = given_crate([
        ("", "mod a; mod b; pub use a::A;"),
        ("a", "mod one; mod two; use one::One; pub use crate::b::B; struct A;"),
        ("a/one", "use super::{A, two::Two}; // use crate::b::C;"),
        ("a/two", "const TEXT: &str = \"use super::one;\"; #[cfg(test)] mod tests { use super::super::one::One; }"),
        ("b", "use std::fmt; pub struct B<'a>(&'a str, char, 'x');"),
    ]);
    assert_eq!(circles_of("it", &straight), Vec::<String>::new());
    assert_eq!(climbs(&["b", "a"], &straight), Vec::<String>::new());
}

#[test]
fn a_circle_of_two_files_in_a_folder_is_found() {
    let crossed = given_crate([
        ("", "mod a; mod b;"),
        ("a", "mod one; mod two;"),
        ("a/one", "use super::two::{Two as Other};"),
        ("a/two", "fn two() -> crate::a::one::One { todo!() }"),
        ("b", ""),
    ]);
    assert_eq!(circles_of("it", &crossed), ["it/a: one → two → one"]);
}

#[test]
fn a_circle_through_a_name_that_the_root_passes_on_is_found() {
    let crossed = given_crate([
        ("", "mod a; mod b; pub use crate::{a::{self, A}, b::B};"),
        ("a", "mod one; mod two;"),
        ("a/one", "use crate::B;"),
        ("a/two", ""),
        ("b", "fn b(a: crate::A) {}"),
    ]);
    assert_eq!(circles_of("it", &crossed), ["it/: a → b → a"]);
}

#[test]
fn an_import_from_a_lower_room_to_a_higher_one_is_found_and_so_is_a_room_without_a_place() {
    let climbing = given_crate([
        ("", "mod a; mod b;"),
        ("a", "mod one; mod two;"),
        ("a/one", "use crate::b::B;"),
        ("a/two", ""),
        ("b", ""),
    ]);
    assert_eq!(climbs(&["a", "b"], &climbing), ["`a` imports `b`"]);
    assert_eq!(climbs(&["a", "c"], &climbing), ["`b` is not in the order", "`c` is no room"]);
}
