//! Process (LS 3.4.1.15).

use serde::{Deserializer, Serializer};

use crate::form::Form;
use crate::map;
use crate::shape::read::{Context, MAX_INTEGER, Read, integer};
use crate::shape::write::Write;
use crate::shape::{Kind, Shape};
use crate::target::File;

map! {
    /// An instance of a program in execution (LS 3.4.1.15); at least one property is present.
    pub struct Process: "Process" in "LS 3.4.1.15 (LS-178)", sealed by ProcessBuilder {
        /// Its number, at least 0.
        optional pid: Pid = 1,
        /// Its name.
        optional name: Box<str> = 2,
        /// Its working directory.
        optional cwd: Box<str> = 3,
        /// The file it was started from.
        optional executable: Box<File> = 4,
        /// The process that started it.
        optional parent: Parent = 5,
        /// Its full command line, arguments included.
        optional command_line: Box<str> = 6,
    }
}

/// The number of a process, 0 to 2^53 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u64);

impl Pid {
    /// The number.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl From<u32> for Pid {
    fn from(pid: u32) -> Self {
        Self(pid.into())
    }
}

impl Read for Pid {
    fn shape() -> &'static Shape {
        const SHAPE: Shape =
            Shape::plain("Integer", "LS 3.4.1.15 (LS-179)", Kind::Integer { min: 0, max: MAX_INTEGER });
        &SHAPE
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        integer(context, deserializer, 0, MAX_INTEGER, "a process number").map(|pid| Self(pid.unsigned_abs()))
    }
}

impl Write for Pid {
    fn write<S: Serializer>(&self, _: Form, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// The process that started another; its depth is bounded when read (DECISIONS L24).
#[derive(Clone, Debug, PartialEq)]
pub struct Parent(Box<Process>);

impl Parent {
    /// The process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.0
    }
}

impl From<Process> for Parent {
    fn from(process: Process) -> Self {
        Self(Box::new(process))
    }
}

impl Read for Parent {
    fn shape() -> &'static Shape {
        Process::shape()
    }

    fn read<'de, D: Deserializer<'de>>(context: &mut Context, deserializer: D) -> Result<Self, D::Error> {
        context.as_parent(|context| Process::read(context, deserializer).map(Self::from))
    }
}

impl Write for Parent {
    fn write<S: Serializer>(&self, form: Form, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(form, serializer)
    }
}
