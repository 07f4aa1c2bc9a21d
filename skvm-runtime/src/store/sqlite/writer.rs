//! The thread that writes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use futures::channel::oneshot;
use rusqlite::{Connection, Result, TransactionBehavior};

use super::super::StoreError;
use super::database::failed;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Hands work to the thread that writes, and ends it when dropped, behind what was handed to it before.
pub(super) struct Writer {
    path: PathBuf,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        path: &Path,
        connection: Connection,
    ) -> std::result::Result<Self, StoreError> {
        let (jobs, receiver) = channel();
        let thread = thread::Builder::new()
            .name("skvm-store".to_owned())
            .spawn(move || work(connection, &receiver))
            .map_err(|error| StoreError::new("starting a thread to write").with_source(error))?;
        Ok(Self { path: path.to_owned(), jobs: Some(jobs), thread: Some(thread) })
    }

    /// Does work in one transaction. It is done to its end, also when nobody waits for it any more.
    pub(super) async fn transact<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        self.run(what, |connection| in_transaction(connection, work)).await
    }

    /// Does work in one transaction when there is time. Nobody waits for it, and nobody learns whether it succeeded.
    pub(super) fn hand_over(&self, work: impl FnOnce(&Connection) -> Result<()> + Send + 'static) {
        let job = Box::new(|connection: &mut Connection| {
            let _nobody_waits = in_transaction(connection, work);
        });
        if let Some(jobs) = &self.jobs {
            let _has_ended = jobs.send(job);
        }
    }

    /// Gives what was freed back to the file system.
    pub(super) async fn shrink(&self) -> std::result::Result<(), StoreError> {
        let shrink = |connection: &mut Connection| {
            let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
            let mut pages = vacuum.query([])?;
            // Each row is one page that is free.
            while pages.next()?.is_some() {}
            drop(pages);
            drop(vacuum);
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        };
        self.run("shrinking the store", shrink).await
    }

    async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, StoreError> {
        let (sender, receiver) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            let _nobody_waits = sender.send(work(connection));
        });
        let ended = || StoreError::new(format!("{what}: the thread that writes has ended"));
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.send(job).map_err(|_| ended())?;
        let outcome = receiver.await.map_err(|_| ended())?;
        outcome.map_err(|error| failed(what, &self.path, error))
    }
}

fn in_transaction<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = work(&transaction)?;
    transaction.commit()?;
    Ok(outcome)
}

fn work(mut connection: Connection, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job(&mut connection);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has nothing to say here.
            let _ended = thread.join();
        }
    }
}
