// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The examples of `explain`: `check` finds the condition in the one, and does not in the other.

mod tool;

use std::fs;
use std::path::Path;

use serde_json::Value;
use tool::ccwtool;

fn print(args: &[&str]) -> (String, Option<i32>) {
    let output = ccwtool().args(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code())
}

fn lines(args: &[&str]) -> Vec<Value> {
    let (text, _) = print(args);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_example_breaks_the_rule_and_keeps_it() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("example.json");
    let mut wrong = Vec::new();
    let mut examples = 0;
    for page in lines(&["explain", "--format", "json"]) {
        let id = page["id"].as_str().unwrap();
        if page["example"].is_null() {
            assert_ne!(page["found_by"], "check", "{id} has no example");
            continue;
        }
        examples += 1;
        for which in ["broken", "kept"] {
            let (program, code) = print(&["explain", id, "--example", which]);
            assert_eq!(code, Some(0), "{id}");
            fs::write(&file, program).unwrap();
            let path = file.to_str().unwrap();
            let verdict = lines(&["check", "--format", "json", path]).remove(0);
            let findings = verdict["findings"].as_array().unwrap();
            let met = findings.iter().any(|finding| finding["id"] == id);
            let legal = verdict["outcome"] != "invalid";
            let kept = which == "kept";
            // The other one has nothing else that is wrong.
            if met == kept || kept && !(legal && verdict["outcome"] != "error") {
                let (text, _) = print(&["show", path]);
                wrong.push(format!("{id} {which}\n{text}"));
            }
        }
    }
    fs::remove_dir_all(&folder).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(examples > 80, "{examples}");
}

#[test]
fn the_book_has_a_page_for_each_condition_and_every_link_leads_to_one() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book");
    let _ = fs::remove_dir_all(&folder);
    let (_, code) = print(&["explain", "--book", folder.to_str().unwrap()]);
    assert_eq!(code, Some(0));
    let contents = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    let mut links = 0;
    for page in lines(&["explain", "--format", "json"]) {
        let (id, name) = (page["id"].as_str().unwrap(), page["code"].as_str().unwrap());
        assert!(
            contents.contains(&format!("- [{id} {name}]({id}.md)\n")),
            "{id}"
        );
        let text = fs::read_to_string(folder.join(format!("{id}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {id} {name}\n")), "{id}");
        assert!(text.contains(page["rule"].as_str().unwrap()), "{id}");
        assert_eq!(text.contains("```diff"), !page["example"].is_null(), "{id}");
        links += 1;
    }
    assert_eq!(contents.matches("](").count(), links);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), links + 1);
    fs::remove_dir_all(&folder).unwrap();
}
