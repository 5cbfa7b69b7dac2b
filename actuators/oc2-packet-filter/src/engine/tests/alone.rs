//! Orders that come alone, where there are other workers.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_alone_performs_it_himself() {
    let world = World::new();
    let numbers = [world.spawn(1).await.unwrap(), world.spawn(2).await.unwrap()];
    assert_eq!((world.n_changes(), world.n_changes_of_thread()), (2, 0));
    assert!(numbers.is_sorted_by(|first, second| first > second));
    assert_eq!(world.engine.rules().await.unwrap().len(), 2);
    assert!(world.engine.kernel_agrees().await.unwrap());
}

#[tokio::test]
async fn where_nobody_else_works_the_thread_does() {
    let world = World::new();
    world.perform(1).await.unwrap();
    assert_eq!((world.n_changes(), world.n_changes_of_thread()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_somebody_is_at_it_is_queued_and_performed_with_others() {
    let world = World::new();
    world.misbehaviour.hangs.store(true, Ordering::Relaxed);
    let first = tokio::spawn(world.performing(1));
    while world.n_changes() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let others: Vec<_> = (2..20).map(|host| world.ask(host)).collect();
    world.misbehaviour.hangs.store(false, Ordering::Relaxed);
    let mut answers = vec![first.await.unwrap()];
    for other in others {
        answers.push(other.await);
    }
    assert!(answers.iter().all(Result::is_ok));
    world.assert_order(&answers).await;
    // The thread may have been waiting with the first of them for its turn.
    assert!(world.n_changes() <= 3, "{}", world.n_changes());
    assert_eq!(world.n_changes_of_thread(), world.n_changes() - 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_of_who_performs_it_himself_leaves_nothing_of_it() {
    let world = World::new();
    world.spawn(1).await.unwrap();
    world.misbehaviour.panics.store(true, Ordering::Relaxed);
    let rejection = world.spawn(2).await.unwrap_err();
    assert_eq!((rejection.status(), rejection.text()), (StatusCode::InternalError, "internal error"));
    world.spawn(3).await.unwrap();
    assert_eq!(world.engine.rules().await.unwrap().len(), 2);
    assert!(world.engine.kernel_agrees().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thread_hears_of_windows_and_of_what_is_to_be_repaired() {
    let world = World::new();
    let stop = world.deny_for(100).await;
    assert_eq!(world.n_changes_of_thread(), 0);
    world.until_there_are_no_rules().await;
    assert!(DateTime::now() >= stop);

    world.spawn(1).await.unwrap();
    world.disk.fail_after(0);
    world.spawn(2).await.unwrap_err();
    world.disk.repair();
    // Nobody commands anything.
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.engine.desk.take().unwrap().until_retry().is_some() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.spawn(3).await.unwrap();
    assert_eq!(world.engine.rules().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_performs_anything_after_the_end() {
    let world = World::new();
    world.spawn(1).await.unwrap();
    world.engine.close().await;
    assert_eq!(world.spawn(2).await.unwrap_err().status(), StatusCode::ServiceUnavailable);
    assert_eq!(world.n_changes(), 1);
    let reopened = World::open(world.dir, world.kernel);
    assert_eq!(reopened.engine.rules().await.unwrap().len(), 1);
}

impl World {
    fn performing(&self, host: u8) -> impl Future<Output = Asked> + Send + use<> {
        let engine = Arc::clone(&self.engine);
        let context = Context::new("producer", Window { start: DateTime::now(), stop: None });
        async move { engine.perform(order(host), context).await }
    }

    /// On a worker.
    async fn spawn(&self, host: u8) -> Asked {
        tokio::spawn(self.performing(host)).await.unwrap()
    }

    fn n_changes(&self) -> usize {
        self.misbehaviour.n_changes.load(Ordering::Relaxed)
    }

    fn n_changes_of_thread(&self) -> usize {
        self.misbehaviour.n_changes_of_thread.load(Ordering::Relaxed)
    }
}
