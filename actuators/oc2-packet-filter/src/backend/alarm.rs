use std::fmt;
use std::sync::Arc;

/// How a back end says that somebody else may have changed what is ours. Clones are the same.
#[derive(Clone)]
pub struct Alarm(Arc<dyn Fn() + Send + Sync>);

impl Alarm {
    /// One that calls this, which must not wait.
    pub fn new(raise: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(raise))
    }

    /// Says so, once too often rather than once too few: whoever hears it has a look.
    pub fn raise(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alarm")
    }
}
