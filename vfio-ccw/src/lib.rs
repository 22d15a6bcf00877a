//! vfio-ccw
