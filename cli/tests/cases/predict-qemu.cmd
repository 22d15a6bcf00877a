# One implementation: data without SLI.
check --profile qemu tests/programs/qemu-linux61-virtio-blk-31-1.json
