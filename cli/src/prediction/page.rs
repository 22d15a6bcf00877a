// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! The documentation's page, made of the rules.

use std::fmt::Write;
use std::path::Path;

use translator::Code;

use super::condition::decisive;
use super::feature::Feature;
use super::{Implementation, rules};

const HEAD: &str = include_str!("page.md");

/// `docs/implementations.md` says what the rules say. `CCWTOOL_BLESS=1` writes it.
#[test]
fn the_documentation_is_made_of_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/implementations.md");
    let page = page();
    if std::env::var_os("CCWTOOL_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "CCWTOOL_BLESS=1 cargo test -p ccwtool the_documentation writes it"
    );
}

fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## Side by side\n\n| a program with | ");
    let names = Implementation::ALL.map(|it| format!("`{}`", it.name()));
    let _ = writeln!(text, "{} |\n|---|---|---|---|---|", names.join(" | "));
    let conditions = Code::ALL.iter().map(|code| Feature::Finds(*code));
    for feature in Feature::OTHERS.iter().copied().chain(conditions) {
        let rules = Implementation::ALL.map(|it| it.rule(feature));
        if rules.iter().all(Option::is_none) {
            continue;
        }
        let cells = Implementation::ALL.map(|it| cell(it, feature));
        let _ = writeln!(text, "| {} | {} |", head(feature), cells.join(" | "));
    }
    for (name, rules) in [
        (
            "vfio-ccw\n\nLinux 7.2.13, `drivers/s390/cio`, compared with 7.1.8. Kernels 6.12.107 and 7.2.12 were run.",
            rules::VFIO_CCW,
        ),
        (
            "QEMU\n\nQEMU 10.0.13. 7.2.22 and 10.0.2 were run.",
            rules::QEMU,
        ),
        (
            "SDL Hercules Hyperion\n\nHyperion at 2d2c4054. 4.9 was run, with a 3390 and other devices.",
            rules::HYPERION,
        ),
    ] {
        let _ = write!(
            text,
            "\n## {name}\n\n| a program with | what becomes of it | source | recorded |\n|---|---|---|---|\n"
        );
        for rule in rules {
            let not_in_7_1 = match name.starts_with("vfio") && !rule.in_7_1 {
                true => " (not known of 7.1)",
                false => "",
            };
            let _ = writeln!(
                text,
                "| {} | {}: {}{not_in_7_1} | {} | {} |",
                head(rule.when),
                rule.outcome.text(),
                rule.says,
                rule.source,
                rule.evidence.text()
            );
        }
    }
    text
}

fn head(feature: Feature) -> String {
    match feature {
        Feature::Finds(code) => format!("{} `{}`", code.id(), code.name()),
        other => other.text().to_owned(),
    }
}

fn cell(implementation: Implementation, feature: Feature) -> String {
    let Some(rule) = decisive(implementation, feature) else {
        let copies = implementation.copies() || !feature.is_of_copy();
        return if copies { "not known" } else { "no copy" }.to_owned();
    };
    let observed = rule.is_observed(implementation);
    format!("{}{}", rule.outcome.text(), if observed { "*" } else { "" })
}
