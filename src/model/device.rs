//! What a model is computed on and with which numbers.

use std::fmt;
use std::str::FromStr;

use candle_core::{DType, Device};

use super::{LoadError, memory};

/// A device as `--device` names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU where there is one, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", number)) if !number.starts_with('+') => number
                .parse()
                .map(Self::Cuda)
                .map_err(|_| format!("`{number}` is no number of a GPU")),
            _ => Err("expected cpu, cuda, cuda:N or auto".to_owned()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

/// A device that is there.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// For tensors.
    pub device: Device,
    /// `cpu` or `cuda:N`.
    pub name: String,
    /// Why `auto` did not take a GPU.
    pub fallback: Option<String>,
    /// Bytes of memory that are free on it, where that can be known.
    pub free_bytes: Option<u64>,
}

impl DeviceChoice {
    /// Opens the device. `auto` never fails; a GPU that was asked for by name and is not there does.
    pub fn open(self) -> Result<OpenDevice, LoadError> {
        match self {
            Self::Cpu => Ok(cpu(None)),
            Self::Cuda(number) => cuda(number),
            Self::Auto => Ok(cuda(0).unwrap_or_else(|error| {
                let why = match error {
                    LoadError::Device { what, .. } => what,
                    other => other.to_string(),
                };
                cpu(Some(why))
            })),
        }
    }
}

fn cpu(fallback: Option<String>) -> OpenDevice {
    OpenDevice {
        device: Device::Cpu,
        name: "cpu".to_owned(),
        fallback,
        free_bytes: memory::available(&Device::Cpu),
    }
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<OpenDevice, LoadError> {
    let device = Device::new_cuda(number).map_err(|error| LoadError::Device {
        device: format!("cuda:{number}"),
        what: no_gpu(&error.to_string()),
        remedy: Some("nvidia-smi shows the GPUs and their driver; CUDA_VISIBLE_DEVICES may hide some".to_owned()),
    })?;
    Ok(OpenDevice {
        name: format!("cuda:{number}"),
        fallback: None,
        free_bytes: memory::available(&device),
        device,
    })
}

/// What the driver said, in words where they are known, without the stack that may follow it.
#[cfg(any(feature = "cuda", test))]
fn no_gpu(said: &str) -> String {
    let said = said.lines().next().unwrap_or_default();
    for (code, words) in [
        ("CUDA_ERROR_NO_DEVICE", "the driver finds no GPU"),
        ("CUDA_ERROR_INVALID_DEVICE", "there is no GPU of this number"),
        ("CUDA_ERROR_STUB_LIBRARY", "there is no CUDA driver"),
        (
            "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
            "the CUDA driver and its libraries are of different versions",
        ),
        (
            "CUDA_ERROR_INSUFFICIENT_DRIVER",
            "the driver is older than this program's CUDA",
        ),
    ] {
        if said.contains(code) {
            return format!("{words} ({code})");
        }
    }
    said.to_owned()
}

#[cfg(not(feature = "cuda"))]
fn cuda(number: usize) -> Result<OpenDevice, LoadError> {
    Err(LoadError::Device {
        device: format!("cuda:{number}"),
        what: "this program was built without the feature `cuda`".to_owned(),
        remedy: Some("build it with `--features cuda`, or use --device cpu".to_owned()),
    })
}

/// Numbers to compute with, as `--dtype` names them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Precision {
    /// f32 on the CPU, bf16 on a GPU.
    #[default]
    Auto,
    /// Single precision.
    F32,
    /// The upper half of single precision.
    Bf16,
    /// Half precision.
    F16,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            _ => Err("expected f32, bf16, f16 or auto".to_owned()),
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        })
    }
}

impl Precision {
    /// The type on `device`.
    pub fn on(self, device: &Device) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
            Self::F16 => DType::F16,
            Self::Auto if device.is_cpu() => DType::F32,
            Self::Auto => DType::BF16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_name() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Cpu),
            ("cuda", DeviceChoice::Cuda(0)),
            ("cuda:3", DeviceChoice::Cuda(3)),
        ] {
            assert_eq!(text.parse(), Ok(choice));
        }
        for bad in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "CPU"] {
            assert!(bad.parse::<DeviceChoice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn auto_is_the_cpu_where_nothing_else_is() {
        let open = DeviceChoice::Auto.open().unwrap();
        assert_eq!(open.name == "cpu", open.fallback.is_some());
        assert_eq!(Precision::Auto.on(&Device::Cpu), DType::F32);
        assert_eq!(Precision::Bf16.on(&Device::Cpu), DType::BF16);
    }

    #[test]
    fn what_the_driver_says_is_put_into_words() {
        let said = "DriverError(CUDA_ERROR_NO_DEVICE, \"no CUDA-capable device is detected\")\n   0: candle_core::new";
        assert_eq!(no_gpu(said), "the driver finds no GPU (CUDA_ERROR_NO_DEVICE)");
        assert_eq!(no_gpu("something else\n   0: main"), "something else");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_without_cuda_says_how_to_build() {
        let error = DeviceChoice::Cuda(1).open().unwrap_err();
        assert!(error.to_string().contains("cuda:1"));
        assert!(error.hint().unwrap().contains("--features cuda"));
    }
}
