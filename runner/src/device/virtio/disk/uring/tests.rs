use super::super::host::{Host, Process as _};
use super::*;
use std::os::unix::fs::FileExt as _;
use vmlock_virtio::chain::Span;
use vmm_sys_util::tempfile::TempFile;

const NOTHING: &[VolatileSlice<'static>] = &[];

const BYTES: usize = 300_000;

fn full() -> File {
    let file = TempFile::new().expect("a file").into_file();
    file.write_all_at(&[b'x'; BYTES], 0).expect("room");
    file
}

/// Whether that is why a machine has none: it is forbidden, unknown, or too old. The lab's disks say which engine they had.
fn is_without(error: &io::Error) -> bool {
    let allowed = [libc::EPERM, libc::ENOSYS, libc::ENOMEM];
    let known = error.raw_os_error().is_some_and(|e| allowed.contains(&e));
    known || error.to_string().contains("too old")
}

/// Each engine that this machine has, with its file.
fn engines() -> Vec<(Host, File)> {
    let own = full();
    let copy = own.try_clone().expect("a descriptor");
    let mut engines = vec![(Host::new(copy), own)];
    let ring = full();
    let copy = ring.try_clone().expect("a descriptor");
    let mut engine = Host::new(copy);
    match engine.enter(16) {
        (_, Some(error)) => {
            assert!(is_without(&error), "{error}");
        }
        (wakes, None) => {
            assert!(wakes.is_some() && matches!(engine, Host::Ring { .. }));
            engines.push((engine, ring));
        }
    }
    engines
}

fn slices(buffer: &mut [u8], sizes: &[usize]) -> Vec<VolatileSlice<'static>> {
    let mut at = buffer.as_mut_ptr();
    let one = |&size: &usize| {
        // SAFETY: the test keeps the buffer, which is large enough, for as long as it uses these.
        let slice = unsafe { VolatileSlice::new(at, size) };
        at = at.wrapping_add(size);
        slice
    };
    sizes.iter().map(one).collect()
}

fn read(offset: u64) -> Operation {
    let data = Span { skip: 0, length: 0 };
    Operation::Read { offset, data }
}

fn write(offset: u64, stable: bool) -> Operation {
    let data = Span { skip: 0, length: 0 };
    Operation::Write {
        offset,
        data,
        stable,
    }
}

fn zero(offset: u64, length: u64, unmap: bool, stable: bool) -> Operation {
    Operation::Zero {
        offset,
        length,
        unmap,
        stable,
    }
}

/// Waits for so many.
fn over(engine: &mut Host, count: usize) -> Vec<(u16, io::Result<()>)> {
    engine.submit();
    let mut over = Vec::new();
    while over.len() < count {
        match engine.over() {
            Some(one) => over.push(one),
            None => {
                engine.submit();
                thread::sleep(Duration::from_micros(100));
            }
        }
    }
    assert!(engine.over().is_none());
    over.sort_by_key(|(token, _)| *token);
    over
}

#[test]
fn what_is_under_way_together_comes_whole() {
    for (mut engine, file) in engines() {
        let mut buffer: Vec<u8> = (0..6000u32).map(|n| (n % 251) as u8).collect();
        let bytes = buffer.clone();
        // More pieces than one call takes, some of them empty.
        let sizes: Vec<usize> = (0..3000).map(|n| [3, 0, 2, 3, 2][n % 5]).collect();
        engine.begin(3, write(100, false), &slices(&mut buffer, &sizes));
        let mut seen = vec![0; 512];
        engine.begin(5, read(100_000), &slices(&mut seen, &[200, 312]));
        engine.begin(7, write(200_000, true), &slices(&mut [b'y'; 512], &[512]));
        engine.begin(8, write(0, false), NOTHING);
        let results = over(&mut engine, 4);
        let tokens: Vec<u16> = results.iter().map(|(token, _)| *token).collect();
        assert_eq!(tokens, [3, 5, 7, 8]);
        assert!(results.iter().all(|(_, result)| result.is_ok()));
        let mut all = vec![0; BYTES];
        file.read_exact_at(&mut all, 0).expect("it is there");
        assert_eq!(all[100..6100], bytes);
        assert!(seen.iter().all(|&b| b == b'x'));
        assert!(all[200_000..200_512].iter().all(|&b| b == b'y'));
        assert!(all[..100].iter().chain(&all[200_512..]).all(|&b| b == b'x'));
    }
}

#[test]
fn an_end_in_the_middle_is_an_error() {
    for (mut engine, _) in engines() {
        let mut buffer = vec![0; 600];
        engine.begin(
            0,
            read(BYTES as u64 - 599),
            &slices(&mut buffer, &[300, 300]),
        );
        let (_, result) = over(&mut engine, 1).remove(0);
        let kind = result.expect_err("it ends").kind();
        assert_eq!(kind, ErrorKind::UnexpectedEof);
    }
}

#[test]
fn zeroes_flushes_and_discards_are_what_they_say() {
    for (mut engine, file) in engines() {
        let mut token = 0;
        for unmap in [false, true] {
            for stable in [false, true] {
                file.write_all_at(&[b'x'; BYTES], 0).expect("room");
                engine.begin(token, zero(512, 200_000, unmap, stable), NOTHING);
                engine.begin(token + 1, Operation::Flush, NOTHING);
                engine.begin(token + 2, Operation::Flush, NOTHING);
                let results = over(&mut engine, 3);
                assert!(results.iter().all(|(_, r)| r.is_ok()), "{results:?}");
                let mut all = vec![0; BYTES];
                file.read_exact_at(&mut all, 0).expect("as long as before");
                assert!(all[512..200_512].iter().all(|&b| b == 0));
                assert!(all[..512].iter().chain(&all[200_512..]).all(|&b| b == b'x'));
                token += 3;
            }
        }
        let discard = Operation::Discard {
            offset: 4096,
            length: 8192,
        };
        engine.begin(0, discard, NOTHING);
        assert!(over(&mut engine, 1)[0].1.is_ok());
        assert!(engine.flush().is_ok());
    }
}

#[test]
fn after_a_rest_nothing_is_under_way() {
    for (mut engine, file) in engines() {
        let mut buffer = vec![0; 16 * 4096];
        for round in 0..100u64 {
            file.write_all_at(&[round as u8; 4096], 0).expect("room");
            for token in 0..8u16 {
                let place = usize::from(token) * 4096;
                engine.begin(token, read(0), &slices(&mut buffer[place..], &[4096]));
                engine.begin(token + 8, Operation::Flush, NOTHING);
            }
            if round % 2 == 0 {
                engine.submit();
            }
            engine.rest();
            let after = buffer.clone();
            let mut tokens: Vec<u16> = std::iter::from_fn(|| engine.over())
                .map(|(token, result)| {
                    assert!(result.is_ok());
                    token
                })
                .collect();
            tokens.sort_unstable();
            assert_eq!(tokens, (0..16).collect::<Vec<_>>());
            assert!(buffer == after);
        }
    }
}

/// What a host that cannot do it says, step by step, without one.
#[test]
fn an_operation_goes_on_where_it_was() {
    let piece = |length| Piece { base: 1000, length };
    let mut job = Job::NONE;
    let all = [4, 0, 6].map(piece);
    assert!(matches!(
        job.begin(write(7, true), all.into_iter()),
        Next::Step
    ));
    for (moved, offset, left) in [(3, 10, 1), (4, 14, 3)] {
        assert!(matches!(job.after(moved), Next::Step));
        assert!(matches!(job.after(-libc::EINTR), Next::Step));
        let first = job.pieces[job.done];
        assert_eq!((job.offset, first.length), (offset, left));
    }
    assert!(matches!(job.after(3), Next::Step) && job.step == Step::Sync);
    let lost = job.after(-libc::EIO);
    assert!(matches!(lost, Next::Over(Err(e)) if e.raw_os_error() == Some(libc::EIO)));

    // Zeroes are written where they cannot be had otherwise, and stable after that.
    assert!(matches!(
        job.begin(zero(512, 100_000, true, true), std::iter::empty()),
        Next::Step
    ));
    assert!(job.step == Step::Allocate);
    assert!(matches!(job.after(-libc::EOPNOTSUPP), Next::Step));
    let bytes: usize = job.pieces.iter().map(|piece| piece.length).sum();
    assert_eq!((job.step, bytes), (Step::Move, 100_000));
    assert!(matches!(job.after(100_000), Next::Step) && job.step == Step::Sync);
    assert!(matches!(job.after(0), Next::Over(Ok(()))));

    let discard = Operation::Discard {
        offset: 0,
        length: 512,
    };
    for (result, fails) in [(-libc::EOPNOTSUPP, false), (-libc::EIO, true), (0, false)] {
        assert!(matches!(job.begin(discard, std::iter::empty()), Next::Step));
        assert!(matches!(job.after(result), Next::Over(over) if over.is_err() == fails));
    }
    assert!(matches!(
        job.begin(write(0, false), std::iter::empty()),
        Next::Over(Ok(()))
    ));
}

/// The kernel tells it once: who came while that flush was under way asks again, and `Block` knows that it is lost.
#[test]
fn a_flush_that_fails_fails_for_all_who_waited_for_it() {
    for (engine, _file) in engines() {
        let Host::Ring { mut ring, held } = engine else {
            continue;
        };
        (ring.syncing, ring.waiting) = (vec![1, 2], vec![3, 4]);
        ring.synced(-libc::EIO);
        let failed: Vec<u16> = ring.over.iter().map(|(token, _)| *token).collect();
        assert_eq!(failed, [1, 2]);
        assert!(ring.over.drain(..).all(|(_, result)| result.is_err()));
        assert_eq!((&ring.syncing[..], ring.begun.len()), (&[3, 4][..], 1));
        let mut host = Host::Ring { ring, held };
        let later: Vec<u16> = over(&mut host, 2).iter().map(|(token, _)| *token).collect();
        assert_eq!(later, [3, 4]);
    }
}

/// By its ring alone: without its lock, which another description has.
#[test]
fn whoever_has_ended_has_nothing_any_more() {
    use nix::fcntl::{FcntlArg, fcntl};
    let place = vmm_sys_util::tempfile::TempFile::new().expect("a file");
    let open = || File::options().read(true).write(true).open(place.as_path());
    let lock = |file: &File| {
        let all = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        fcntl(file, FcntlArg::F_OFD_SETLK(&all))
    };
    for closed in [true, false] {
        let file = open().expect("it is there");
        lock(&file).expect("nobody has it");
        let mut ring = match Uring::new(file, 16) {
            Ok(ring) => ring,
            Err(error) => return assert!(is_without(&error), "{error}"),
        };
        let other = open().expect("it is there");
        assert_eq!(lock(&other), Err(Errno::EAGAIN));
        if closed {
            ring.close();
            ring.begin(0, Operation::Flush, NOTHING);
            ring.submit();
            assert!(ring.over().is_some_and(|(_, result)| result.is_err()));
        }
        drop(ring);
        assert!(lock(&other).is_ok(), "closed {closed}");
    }
}
