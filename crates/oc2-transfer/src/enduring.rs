//! Work that goes on when whoever waits for it goes.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// Work that is done by whoever waits for it, and gets a task of its own once nobody does: a lost connection does not stop it.
///
/// Compared with a task from the beginning it saves a task, and being woken from one by the other. What is not even begun is done
/// all the same. Where there is no runtime of tokio any more it ends.
pub struct Enduring<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

/// It ended in a panic, which the panic itself has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it panicked")]
pub struct Panicked;

impl<F: Future<Output: Send> + Send + 'static> Enduring<F> {
    /// This work.
    pub fn new(work: F) -> Self {
        Self::from(Box::pin(work))
    }
}

/// Work that was begun.
impl<F: Future<Output: Send> + Send + 'static> From<Pin<Box<F>>> for Enduring<F> {
    fn from(work: Pin<Box<F>>) -> Self {
        Self(Some(work))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Enduring<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Who asks once more than there are answers gets the same as after a panic.
        let Some(work) = &mut self.0 else { return Poll::Ready(Err(Panicked)) };
        let polled = match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(res)) => Ok(res),
            Err(_) => Err(Panicked),
        };
        self.0 = None;
        Poll::Ready(polled)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Enduring<F> {
    fn drop(&mut self) {
        if let Some(work) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(work);
        }
    }
}

impl<F: Future<Output: Send> + Send + 'static> fmt::Debug for Enduring<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enduring")
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn who_waits_gets_what_it_comes_to() {
        assert_eq!(Enduring::new(async { 7 }).await, Ok(7));
        assert_eq!(Enduring::new(async { panic!("on purpose") }).await, Err::<(), _>(Panicked));
    }

    #[tokio::test]
    async fn it_goes_on_when_nobody_waits_any_more() {
        let ((go, may_go), (done, is_done)) = (oneshot::channel(), oneshot::channel());
        let mut work = Enduring::new(async move {
            may_go.await.unwrap();
            done.send(7).unwrap();
        });
        let is_pending = poll_fn(|context| Poll::Ready(Pin::new(&mut work).poll(context).is_pending())).await;
        assert!(is_pending);
        drop(work);
        go.send(()).unwrap();
        assert_eq!(is_done.await, Ok(7));
    }

    #[tokio::test]
    async fn what_nobody_began_is_done() {
        let (done, is_done) = oneshot::channel();
        drop(Enduring::new(async move { done.send(7).unwrap() }));
        assert_eq!(is_done.await, Ok(7));
    }

    #[test]
    fn where_nothing_can_go_on_it_ends() {
        let (done, mut is_done) = oneshot::channel::<()>();
        drop(Enduring::new(async move { drop(done) }));
        is_done.try_recv().unwrap_err();
    }
}
