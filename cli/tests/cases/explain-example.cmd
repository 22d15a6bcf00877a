explain idaw-align --example broken
