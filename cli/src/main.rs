//! ccwtool
fn main() {}
