//! For authors of OpenC2 actuators: the trait, and a test kit.
