// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! What is said of devices that are none, on any machine; and what is left in the file of one in
//! software.

mod images;
mod tool;

use std::fs;
use std::path::Path;
use std::process::Output;

use images::Images;
use tool::ccwtool;

fn run(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    ccwtool().args(args).current_dir(root).output().unwrap()
}

const PROGRAM: &str = "tests/programs/enc-sense-id-sli.json";

/// Standard error of `device` and of `submit`, which say the same.
fn complaint(target: &[&str]) -> String {
    let device = run(&[&["device"], target].concat());
    let submit = run(&[&["submit", PROGRAM], target].concat());
    for output in [&device, &submit] {
        assert_eq!(output.status.code(), Some(2), "{target:?}");
        assert!(output.stdout.is_empty(), "{target:?}");
    }
    assert_eq!(device.stderr, submit.stderr);
    String::from_utf8(submit.stderr).unwrap()
}

#[test]
fn a_file_that_is_not_there() {
    let text = complaint(&["--cdev", "/no/such/device"]);
    let expected = "ccwtool: /no/such/device: no such device; to have one, give the subchannel";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("mdev_supported_types/vfio_ccw-io/create"));
}

#[test]
fn a_directory() {
    let text = complaint(&["--cdev", "/"]);
    assert!(
        text.starts_with("ccwtool: /: cannot be opened: Is a directory"),
        "{text}"
    );
}

/// Where the kernel has no VFIO at all, that comes first.
#[test]
fn a_file_of_another_driver() {
    let text = complaint(&["--cdev", "/dev/null"]);
    let none = text.starts_with("ccwtool: /dev/iommu: ");
    let other = "ccwtool: /dev/null: is no device of VFIO's; to have one, give";
    assert!(none || text.starts_with(other), "{text}");

    let text = complaint(&["--group", "/dev/null", "--uuid", "c0c0"]);
    let none = text.starts_with("ccwtool: /dev/vfio/vfio: ");
    let other = "ccwtool: /dev/null: is no group of VFIO's; to have one, give";
    assert!(none || text.starts_with(other), "{text}");
}

#[test]
fn only_an_s390_has_channels() {
    let text = complaint(&["--cdev", "/no/such/device"]);
    let told = text
        .ends_with("; and this is no s390, so its kernel has no vfio-ccw: --soft works anywhere\n");
    assert_eq!(told, cfg!(not(target_arch = "s390x")), "{text}");
}

#[test]
fn a_device_in_software_changes_its_file_only_with_write() {
    let images = Images::new("submit-disk");
    let file = format!("{}/disk.fba", images.path());
    let soft = format!("fba:{file}");
    let before = fs::read(&file).unwrap();
    let program = "tests/programs/linux61-9336-63-43-41x8-1.json";
    let submit = ["submit", "--soft", &soft, program];
    assert_eq!(run(&submit).status.code(), Some(0));
    assert!(fs::read(&file).unwrap() == before);

    assert_eq!(
        run(&[&submit[..], &["--write"]].concat()).status.code(),
        Some(0)
    );
    // Eight blocks of zeros from block 0 on.
    let mut after = before;
    after[..4096].fill(0);
    assert!(fs::read(&file).unwrap() == after);
}

#[test]
fn paper_is_kept_with_write() {
    let images = Images::new("submit-paper");
    let file = format!("{}/printer.txt", images.path());
    let soft = format!("printer:{file}");
    let program = "tests/programs/enc-printer-write-space.json";
    let submit = ["submit", "--soft", &soft, program];
    assert_eq!(run(&submit).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), "");
    assert_eq!(
        run(&[&submit[..], &["--write"]].concat()).status.code(),
        Some(0)
    );
    assert!(fs::read_to_string(&file).unwrap().starts_with("CORPUS"));
    let full = run(&["submit", "--write", "--soft", "printer:/dev/full", program]);
    assert_eq!(full.status.code(), Some(2));
    let error = String::from_utf8(full.stderr).unwrap();
    assert!(
        error.starts_with("ccwtool: /dev/full: cannot be written: "),
        "{error}"
    );
}
