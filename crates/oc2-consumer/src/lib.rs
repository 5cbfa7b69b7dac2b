//! An OpenC2 Consumer, as a library and a daemon.
