// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Where the files of a mediated device are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::KernelOpener;

/// The files of a mediated device; a kernel may offer one or both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Files {
    /// The file of its group, such as `/dev/vfio/9`.
    pub group: Option<PathBuf>,
    /// The file of its own, such as `/dev/vfio/devices/vfio0`.
    pub cdev: Option<PathBuf>,
}

/// The files of the mediated device with this UUID, by `/sys`.
///
/// # Errors
///
/// `NotFound` if there is no such device.
pub fn files(uuid: &str) -> io::Result<Files> {
    files_below(Path::new("/sys"), uuid)
}

impl KernelOpener {
    /// The mediated device with this UUID: by its own file if there is one, else by its group.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no such device, or no file of it.
    pub fn mdev(uuid: &str) -> io::Result<Self> {
        match files(uuid)? {
            Files {
                cdev: Some(path), ..
            } => Ok(Self::cdev(path)),
            Files {
                group: Some(path), ..
            } => Ok(Self::group(path, uuid)),
            Files { .. } => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn files_below(sys: &Path, uuid: &str) -> io::Result<Files> {
    if uuid.is_empty() || uuid.starts_with('.') || uuid.contains('/') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let device = sys.join("bus/mdev/devices").join(uuid);
    fs::metadata(&device)?;
    let below = Path::new("/dev/vfio");
    let group = fs::read_link(device.join("iommu_group")).ok();
    let group = group.and_then(|link| Some(below.join(link.file_name()?)));
    let mut cdev = None;
    for entry in fs::read_dir(device.join("vfio-dev")).into_iter().flatten() {
        let name = entry?.file_name();
        cdev = Some(below.join("devices").join(name));
    }
    Ok(Files { group, cdev })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const UUID: &str = "6dfd3ec5-e8b3-4e18-a6fe-57bc9eceb920";

    #[test]
    fn a_tree_like_that_of_the_kernel() {
        let root = std::env::temp_dir().join(format!("vfio-ccw-find-{}", std::process::id()));
        let device = root.join("bus/mdev/devices").join(UUID);
        fs::create_dir_all(&device).unwrap();
        assert_eq!(files_below(&root, UUID).unwrap(), Files::default());
        symlink(
            "../../../../kernel/iommu_groups/9",
            device.join("iommu_group"),
        )
        .unwrap();
        let group = Some(PathBuf::from("/dev/vfio/9"));
        let only_group = Files {
            group: group.clone(),
            cdev: None,
        };
        assert_eq!(files_below(&root, UUID).unwrap(), only_group);
        fs::create_dir_all(device.join("vfio-dev/vfio3")).unwrap();
        let cdev = Some(PathBuf::from("/dev/vfio/devices/vfio3"));
        let both = files_below(&root, UUID).unwrap();
        assert_eq!(both, Files { group, cdev });
        let missing = files_below(&root, "another").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        for name in ["", "..", "a/b"] {
            let refused = files_below(&root, name).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
        fs::remove_dir_all(&root).unwrap();
    }
}
