//! The kernels on the CPU, for tests: compiled with the C++ compiler there is, opened, and run thread by thread.

use super::grid::KernelGrid;
use candle_core::{CpuStorage, Result, bail};
use std::{
    cell::Cell,
    ffi::{CStr, CString, c_char, c_void},
    io::ErrorKind,
    path::Path,
    process::Command,
    sync::OnceLock,
};

/// The kernels' sources, by name.
pub(in super::super) const SOURCES: [(&str, &str); 5] = [
    ("host.cpp", include_str!("host.cpp")),
    ("host.hpp", include_str!("host.hpp")),
    ("rows.cu", include_str!("rows.cu")),
    ("tree.cu", include_str!("tree.cu")),
    ("warp.cuh", include_str!("warp.cuh")),
];

/// `launch` of host.cpp.
type HostStart =
    unsafe extern "C" fn(*const c_char, u32, u32, u32, u32, u32, u32, *const *const c_void) -> *const c_char;

/// The kernels, compiled. They stay open until the process ends.
#[derive(Clone, Copy)]
pub(in super::super) struct HostKernels {
    start: HostStart,
    /// Which of the mistakes that were compiled is made, from 1 on.
    mistake: u32,
}

impl HostKernels {
    /// The kernels, compiled with these options besides, and with further sources beside theirs.
    ///
    /// # Errors
    /// Nothing where there is no compiler, else what is wrong.
    pub fn build(further: &[(&str, &str)], options: &[&str]) -> std::result::Result<Self, Option<String>> {
        let failed = |error: std::io::Error| Some(error.to_string());
        let folder = tempfile::tempdir().map_err(failed)?;
        for (name, text) in SOURCES.iter().chain(further) {
            std::fs::write(folder.path().join(name), text).map_err(failed)?;
        }
        let library = folder.path().join("kernels.so");
        let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
        let output = Command::new(&compiler)
            // Fibres jump between stacks, which _FORTIFY_SOURCE takes for a mistake.
            .args([
                "-std=c++17",
                "-Wno-unknown-pragmas",
                "-U_FORTIFY_SOURCE",
                "-fPIC",
                "-shared",
                "-o",
            ])
            .arg(&library)
            .args(options)
            .arg(folder.path().join("host.cpp"))
            .output()
            .map_err(|error| {
                Some(error)
                    .filter(|error| error.kind() != ErrorKind::NotFound)
                    .and_then(failed)
            })?;
        if !output.status.success() {
            return Err(Some(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Self::open(&library).map_err(Some)
    }

    /// The same with a mistake, counted from 1 on.
    #[cfg(test)]
    pub fn mistaken(self, mistake: u32) -> Self {
        Self { mistake, ..self }
    }

    fn open(library: &Path) -> std::result::Result<Self, String> {
        let path = CString::new(library.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the library is one that was just compiled, whose initialisers do nothing; it is never closed.
        let start = unsafe {
            let opened = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            if opened.is_null() {
                return Err(CStr::from_ptr(libc::dlerror()).to_string_lossy().into_owned());
            }
            libc::dlsym(opened, c"launch".as_ptr())
        };
        if start.is_null() {
            return Err("host.cpp has no `launch`".to_owned());
        }
        // SAFETY: host.cpp declares it so.
        let start = unsafe { std::mem::transmute::<*mut c_void, HostStart>(start) };
        Ok(Self { start, mistake: 0 })
    }

    /// Starts a kernel of these parameters, each at the beginning of a word; even orders begin with the first thread.
    fn start(self, name: &str, grid: KernelGrid, parameters: &[u64], order: u32) -> Result<()> {
        let Ok(called) = CString::new(name) else {
            bail!("no kernel is called {name:?}");
        };
        let addresses: Vec<*const c_void> = parameters.iter().map(|word| std::ptr::from_ref(word).cast()).collect();
        // SAFETY: the parameters are as many and of the sizes that the kernel of this name takes, as the checks' numbers
        // show; addresses among them are of tensors that are held.
        let problem = unsafe {
            (self.start)(
                called.as_ptr(),
                grid.x,
                grid.y,
                grid.threads,
                grid.shared as u32,
                order,
                self.mistake,
                addresses.as_ptr(),
            )
        };
        if problem.is_null() {
            return Ok(());
        }
        // SAFETY: problems are texts in the library, which is never closed.
        let problem = unsafe { CStr::from_ptr(problem) };
        bail!("{name}: {}", problem.to_string_lossy());
    }

    /// The same twice, in two orders: what it writes must not depend on which warp is ahead. `written` holds it.
    fn run(self, name: &str, grid: KernelGrid, parameters: &[u64], written: (*mut u8, usize)) -> Result<()> {
        self.start(name, grid, parameters, 0)?;
        // SAFETY: the bytes are those of the storage that is written, and nobody else writes it meanwhile.
        let bytes = || unsafe { std::slice::from_raw_parts(written.0, written.1) }.to_vec();
        let first = bytes();
        self.start(name, grid, parameters, 1)?;
        if first != bytes() {
            bail!("{name}: what it writes depends on which threads are ahead");
        }
        Ok(())
    }
}

/// The kernels as they are, compiled at the first call.
///
/// # Errors
/// As [`HostKernels::build`].
fn kernels() -> std::result::Result<HostKernels, Option<String>> {
    static BUILT: OnceLock<std::result::Result<HostKernels, Option<String>>> = OnceLock::new();
    BUILT.get_or_init(|| HostKernels::build(&[], &["-O2"])).clone()
}

/// Whether there is what these tests need; says so where it is not.
pub fn can_run() -> bool {
    let there = cfg!(all(target_os = "linux", target_pointer_width = "64")) && !matches!(kernels(), Err(None));
    if !there {
        println!("skipped: kernels for GPUs are run on the CPU on 64-bit Linux with a C++ compiler");
    }
    there
}

thread_local! {
    /// Kernels that this thread uses instead, which a test has broken.
    pub(in super::super) static INSTEAD: Cell<Option<HostKernels>> = const { Cell::new(None) };
}

/// Runs a kernel.
pub(super) fn run(name: &str, grid: KernelGrid, parameters: &[u64], written: (*mut u8, usize)) -> Result<()> {
    match INSTEAD.get().map_or_else(kernels, Ok) {
        Ok(kernels) => kernels.run(name, grid, parameters, written),
        Err(problem) => bail!("{}", problem.unwrap_or_else(|| "there is no C++ compiler".to_owned())),
    }
}

/// Where a tensor's storage begins.
pub(super) fn address(storage: &CpuStorage) -> Result<u64> {
    Ok(match storage {
        CpuStorage::BF16(numbers) => numbers.as_ptr() as u64,
        CpuStorage::F16(numbers) => numbers.as_ptr() as u64,
        CpuStorage::F32(numbers) => numbers.as_ptr() as u64,
        CpuStorage::U32(numbers) => numbers.as_ptr() as u64,
        _ => bail!("kernels take no such numbers"),
    })
}

/// The storage that is written: where it begins, and bytes.
pub(super) fn bytes(storage: &mut CpuStorage) -> Result<(*mut u8, usize)> {
    fn of<T>(numbers: &mut [T]) -> (*mut u8, usize) {
        (numbers.as_mut_ptr().cast(), size_of_val(numbers))
    }
    Ok(match storage {
        CpuStorage::BF16(numbers) => of(numbers),
        CpuStorage::F16(numbers) => of(numbers),
        CpuStorage::F32(numbers) => of(numbers),
        _ => bail!("kernels write no such numbers"),
    })
}
