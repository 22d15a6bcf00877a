// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//! Carrying out the copies that a translated program asks for.

use ccw::{GuestAddr, Host, HostAddr, Irb};
use css::Ram;
use pinning::Pinner;
use translator::{Running, Translated};

use super::{arena::COPIES, dirty::Stores};
use crate::generator::Scene;

/// Copies from guest storage, which is in `ram`, to `area`.
pub(super) fn out<P: Pinner>(
    scene: &Scene,
    translated: &Translated<P>,
    ram: &Ram<Host>,
    area: &mut [u8],
) {
    for copy in translated.copies_out() {
        let mut bytes = Vec::new();
        for (host, len) in on_host(scene, copy.guest, copy.len) {
            bytes.extend(ram.read(host, len));
        }
        for at in [Some(copy.at), copy.kept].into_iter().flatten() {
            area[at..at + copy.len].copy_from_slice(&bytes);
        }
    }
}

/// Copies to guest storage what the device left, as a store of its own.
pub(super) fn back<P: Pinner>(
    scene: &Scene,
    running: &mut Running<P>,
    host: Option<&Irb<Host>>,
    storage: &mut Stores<&mut css::Granted<Host, Ram<Host>>>,
) {
    let len = running.doublewords().copies * 8;
    if len == 0 {
        return;
    }
    let area = storage.inner().inner().read(HostAddr::new(COPIES), len);
    for copy in running.copies_back(host, &area) {
        let mut at = copy.at;
        for (host, len) in on_host(scene, copy.guest, copy.len) {
            storage
                .inner_mut()
                .inner_mut()
                .write(host, &area[at..at + len]);
            storage.note(host, len);
            at += len;
        }
    }
}

/// Where the host has `len` bytes of guest storage, page by page.
fn on_host(scene: &Scene, at: GuestAddr, len: usize) -> Vec<(HostAddr, usize)> {
    let end = at.get() + len as u64;
    let mut pages = Vec::new();
    let mut at = at.get();
    while at < end {
        let here = (at | 0xfff).saturating_add(1).min(end);
        let region = scene
            .regions
            .find(GuestAddr::new(at))
            .expect("storage that is pinned");
        let host = region.host.get() + (at - region.guest.get());
        pages.push((HostAddr::new(host), (here - at) as usize));
        at = here;
    }
    pages
}
