// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Programs that were inputs of a fuzz target in between: the tool says the same of them.

mod tool;

use std::{env, fs, path::Path};

use ccw_kit::{convert, corpus, program_file::ProgramFile};

/// What the tool prints of all programs in `folder`, by file name.
fn told(folder: &Path, verb: &str, files: &[String]) -> Vec<u8> {
    let mut tool = tool::ccwtool();
    tool.current_dir(folder).args([verb, "--format", "json"]);
    tool.args(files).output().unwrap().stdout
}

#[test]
fn what_comes_back_is_listed_and_judged_as_before() {
    let mut folders = vec![corpus::own_programs()];
    folders.extend(env::var_os("CCW_CORPUS").map(Into::into));
    for (n, folder) in folders.iter().enumerate() {
        let back = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("converted-{n}"));
        drop(fs::remove_dir_all(&back));
        fs::create_dir_all(&back).unwrap();
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let name = ProgramFile::parse(&bytes).unwrap().name;
            let input = convert::to_input("equivalence", &bytes, None).unwrap();
            let written = convert::to_program("equivalence", &name, &input).unwrap();
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            fs::write(back.join(&file), written.file.to_json()).unwrap();
            files.push(file);
        }
        files.sort();
        assert!(files.len() > 400);
        for verb in ["show", "check"] {
            let (before, after) = (told(folder, verb, &files), told(&back, verb, &files));
            assert!(before.len() > 100_000, "{verb}");
            assert!(before == after, "{verb} {}", folder.display());
        }
    }
}
