//! A profile and an actuator as a stranger would write them.
