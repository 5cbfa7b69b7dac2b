use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::testing::copy_as_killed;
use crate::{Store, key};

#[test]
fn a_new_store_is_empty_and_its_owners_alone() {
    let dir = TempDir::new().unwrap();
    let _store = Store::open(dir.path()).unwrap();
    for name in ["state.redb", "state.lock"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn what_was_committed_is_there_in_order_when_it_is_opened_again() {
    let dir = TempDir::new().unwrap();
    {
        let (store, table) = open(&dir);
        for number in [300, -1, 2, -70_000] {
            store.commit(put(&table, number, "a")).unwrap();
        }
        let mut batch = put(&table, 2, "b");
        batch.delete(&table, key::of_i64(300));
        store.commit(batch).unwrap();
    }
    let (store, table) = open(&dir);
    assert_eq!(rows(&store, &table), [(-70_000, "a".into()), (-1, "a".into()), (2, "b".into())]);
    assert_eq!(rows(&store, &Table("never/written".into())), []);
}

#[test]
fn a_file_that_is_no_store_is_left_as_it_is() {
    let foreign = database(|transaction| {
        transaction.open_table(TableDefinition::<u64, u64>::new("theirs")).unwrap();
    });
    let other_meta = database(|transaction| {
        transaction.open_table(TableDefinition::<u64, u64>::new("meta")).unwrap();
    });
    let unversioned = database(|transaction| {
        transaction.open_table(META).unwrap();
    });
    let other_rows = database(|transaction| {
        transaction.open_table(META).unwrap().insert(SCHEMA, SCHEMA_ALONE).unwrap();
        transaction.open_table(TableDefinition::<u64, u64>::new("slpf/rules")).unwrap();
    });
    let whole = database(versioned);
    let half = whole[..whole.len() / 2].to_vec();
    let holed = [&whole[..64], &vec![0xa5; whole.len() - 64]].concat();
    let empty = (vec![], vec![0; 1 << 20]);
    for bytes in [empty.0, b"hello".to_vec(), empty.1, half, holed, foreign, other_meta, unversioned, other_rows] {
        let error = open_these(&bytes);
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("state.redb is not a store") && error.to_string().contains("move it away"));
    }
}

#[test]
fn a_later_version_is_left_as_it_is() {
    let later = database(|transaction| {
        transaction.open_table(META).unwrap().insert(SCHEMA, 3).unwrap();
    });
    let error = open_these(&later);
    assert!(matches!(error, StoreError::Version { found: 3, .. }), "{error}");
    assert!(error.to_string().contains("has version 3"), "{error}");
}

#[test]
fn a_row_that_its_reader_cannot_read_is_damage_and_the_file_is_left_as_it_is() {
    let dir = TempDir::new().unwrap();
    {
        let (store, table) = open(&dir);
        store.commit(put(&table, 17, "nonsense")).unwrap();
    }
    let before = fs::read(dir.path().join("state.redb")).unwrap();
    let (store, table) = open(&dir);
    let error = store.read(&table, |_, _| Err("row 17: nonsense".into())).unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { detail, .. } if detail == "row 17: nonsense"), "{error}");
    assert_eq!(store.damaged("row 17: nonsense".into()).to_string(), error.to_string());
    drop(store);
    assert!(fs::read(dir.path().join("state.redb")).unwrap() == before);
}

/// What a damaged file holds may be found or not; it must not bring the program down.
#[test]
fn damage_anywhere_is_an_error_or_harmless() {
    let sound = {
        let dir = TempDir::new().unwrap();
        let (store, table) = open(&dir);
        (0..50).for_each(|number| _ = store.commit(put(&table, number, "row")).unwrap());
        drop(store);
        fs::read(dir.path().join("state.redb")).unwrap()
    };
    let mut n_found = 0;
    for at in (0..sound.len()).step_by(sound.len() / 150) {
        let mut bytes = sound.clone();
        for octet in bytes.iter_mut().skip(at).take(64) {
            *octet ^= 0xa5;
        }
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("state.redb"), &bytes).unwrap();
        let opened = Store::open(dir.path()).and_then(|store| {
            let table = store.area("test")?.table("rows");
            store.read(&table, |_, _| Ok(()))?;
            // Told or not: a panic would be the end of the test.
            let _ = store.commit(put(&table, 1, "new"));
            Ok(())
        });
        n_found += usize::from(opened.is_err());
    }
    assert!(n_found > 0);
    for len in [1, 100, 4096, sound.len() / 2, sound.len() - 1] {
        let error = open_these(&sound[..len]);
        assert!(matches!(error, StoreError::Damaged { .. }), "{len} bytes: {error}");
    }
}

#[test]
fn a_store_that_was_half_made_is_made_again() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("state.redb.new"), b"half").unwrap();
    let (store, table) = open(&dir);
    store.commit(put(&table, 1, "a")).unwrap();
    assert!(!dir.path().join("state.redb.new").exists());
}

#[test]
fn a_missing_directory_is_named() {
    let error = Store::open(Path::new("/nonexistent")).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }));
    assert!(error.to_string().starts_with("/nonexistent/state.lock: "), "{error}");
}

#[test]
fn what_an_earlier_version_kept_is_not_forgotten_silently() {
    for name in ["requests.redb", "slpf-OC2.redb"] {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join(name), b"rules").unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(&error, StoreError::Former { path } if path.ends_with(name)), "{error}");
        assert!(!dir.path().join("state.redb").exists());
        fs::rename(dir.path().join(name), dir.path().join("away")).unwrap();
        Store::open(dir.path()).unwrap();
    }
}

#[test]
fn one_that_was_killed_holds_what_was_committed() {
    let dir = TempDir::new().unwrap();
    let (store, table) = open(&dir);
    for number in 0..10 {
        store.commit(put(&table, number, "a")).unwrap();
        let copy = TempDir::new().unwrap();
        copy_as_killed(dir.path(), copy.path()).unwrap();
        let (killed, table) = open(&copy);
        assert_eq!(rows(&killed, &table).len() as i64, number + 1);
        killed.commit(put(&table, 99, "b")).unwrap();
        assert_eq!(rows(&killed, &table).len() as i64, number + 2);
    }
}

fn open(dir: &TempDir) -> (Store, Table) {
    let store = Store::open(dir.path()).unwrap();
    let table = store.area("test").unwrap().table("rows");
    (store, table)
}

fn put(table: &Table, number: i64, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(table, key::of_i64(number), value);
    batch
}

fn rows(store: &Store, table: &Table) -> Vec<(i64, String)> {
    let mut rows = Vec::new();
    let row = |key: &[u8], value: &[u8]| {
        rows.push((key::to_i64(key).ok_or("key")?, String::from_utf8(value.to_vec()).map_err(|_| "value")?));
        Ok(())
    };
    store.read(table, row).unwrap();
    rows
}

/// The bytes of a database that was closed in order.
fn database(fill: fn(&WriteTransaction)) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let database = Database::create(dir.path().join("x")).unwrap();
    let transaction = database.begin_write().unwrap();
    fill(&transaction);
    transaction.commit().unwrap();
    drop(database);
    fs::read(dir.path().join("x")).unwrap()
}

fn versioned(transaction: &WriteTransaction) {
    transaction.open_table(META).unwrap().insert(SCHEMA, SCHEMA_ALONE).unwrap();
}

/// Opens a store of these bytes in vain; they must still be there then.
fn open_these(bytes: &[u8]) -> StoreError {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("state.redb");
    fs::write(&path, bytes).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(fs::read(path).unwrap() == bytes, "it was written to: {error}");
    error
}
