//! An OpenC2 Producer, as a library and a command line.
