//! What a model is computed on and with which numbers.

use candle_core::{DType, Device};

pub use super::device_name::{DeviceChoice, DeviceId};

#[cfg(feature = "cuda")]
use super::kernels::set_up;
use super::{LoadError, MemoryNeeds, ModelConfig, memory};

/// A device that is there.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// For tensors; of several the first.
    pub device: Device,
    /// The others, where the layers are spread over several.
    pub others: Vec<Device>,
    /// Which one it is; of several the first.
    pub id: DeviceId,
    /// Why `auto` did not take a GPU.
    pub fallback: Option<String>,
    /// Bytes of memory that are free on it, or on all of them, where that can be known.
    pub free_bytes: Option<u64>,
}

impl OpenDevice {
    /// What computes: `cpu`, or each GPU's name, compute capability and library of products.
    pub fn hardware(&self) -> String {
        let devices = std::iter::once(&self.device).chain(&self.others);
        let names: Vec<String> = devices.map(name).collect();
        names.join("; ")
    }
}

#[cfg(feature = "cuda")]
fn name(device: &Device) -> String {
    match device {
        Device::Cuda(gpu) => super::kernels::card(gpu).unwrap_or_else(|error| format!("cuda ({error})")),
        _ => DeviceId::Cpu.to_string(),
    }
}

#[cfg(not(feature = "cuda"))]
fn name(_: &Device) -> String {
    DeviceId::Cpu.to_string()
}

impl DeviceChoice {
    /// Opens the device. `auto` never fails; a GPU that was asked for by name and is not there does.
    pub fn open(&self) -> Result<OpenDevice, LoadError> {
        match self {
            Self::Only(DeviceId::Cpu) => Ok(cpu(None)),
            Self::Only(DeviceId::Cuda(number)) => cuda(*number),
            Self::Several(devices) => several(devices),
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

/// All of some devices of one kind.
fn several(devices: &[DeviceId]) -> Result<OpenDevice, LoadError> {
    let each = devices.iter().map(|&id| DeviceChoice::Only(id).open());
    let mut each = each.collect::<Result<Vec<_>, _>>()?.into_iter();
    let Some(mut first) = each.next() else {
        return Ok(cpu(None));
    };
    for other in each {
        if other.id != DeviceId::Cpu {
            first.free_bytes = first.free_bytes.zip(other.free_bytes).map(|(a, b)| a + b);
        }
        first.others.push(other.device);
    }
    Ok(first)
}

fn cpu(fallback: Option<String>) -> OpenDevice {
    OpenDevice {
        device: Device::Cpu,
        others: Vec::new(),
        id: DeviceId::Cpu,
        fallback,
        free_bytes: memory::available(&Device::Cpu),
    }
}

#[cfg(feature = "cuda")]
fn cuda(number: usize) -> Result<OpenDevice, LoadError> {
    let device = Device::new_cuda(number).map_err(|error| LoadError::Device {
        device: format!("cuda:{number}"),
        what: no_gpu(&error.to_string()),
        remedy: "nvidia-smi shows the GPUs and their driver; CUDA_VISIBLE_DEVICES may hide some".to_owned(),
    })?;
    if let Device::Cuda(gpu) = &device {
        set_up(gpu).map_err(|error| LoadError::Device {
            device: format!("cuda:{number}"),
            what: format!("it cannot be set up: {error}"),
            remedy: "nvidia-smi shows the GPUs, their driver and who uses them".to_owned(),
        })?;
    }
    Ok(OpenDevice {
        id: DeviceId::Cuda(number),
        others: Vec::new(),
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
        remedy: "build it with `--features cuda`, or use --device cpu".to_owned(),
    })
}

crate::choices! {
    /// The numbers that weights, keys and values are held in.
    pub enum Dtype {
        /// Single precision.
        F32 = "f32",
        /// The upper half of single precision.
        Bf16 = "bf16",
        /// Half precision.
        F16 = "f16",
    }

    /// The numbers to compute with, as `--dtype` names them.
    pub enum DtypeChoice: Auto {
        /// f32 on the CPU, bf16 on a GPU.
        Auto = "auto",
        /// Single precision.
        F32 = "f32",
        /// The upper half of single precision.
        Bf16 = "bf16",
        /// Half precision.
        F16 = "f16",
    }
}

impl DtypeChoice {
    /// What a model of this configuration, most of whose weights are stored in half precision or not, is computed with on
    /// `device`. By itself a CPU computes in f32, unless weights that are stored in half precision would not fit into its
    /// memory in f32.
    pub fn on(self, device: &Device, config: &ModelConfig, stored_in_half: bool) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::Bf16 => Dtype::Bf16,
            Self::F16 => Dtype::F16,
            Self::Auto if device.is_cpu() => {
                let needed = MemoryNeeds::of(config, DType::F32).weights;
                let fits = memory::total(device).is_none_or(|total| needed <= total / 10 * 9);
                if fits || !stored_in_half {
                    Dtype::F32
                } else {
                    Dtype::Bf16
                }
            }
            Self::Auto => Dtype::Bf16,
        }
    }
}

impl From<Dtype> for DtypeChoice {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::Bf16 => Self::Bf16,
            Dtype::F16 => Self::F16,
        }
    }
}

impl From<Dtype> for DType {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Self::F32,
            Dtype::Bf16 => Self::BF16,
            Dtype::F16 => Self::F16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, testing::config};

    #[test]
    fn devices_by_name() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Only(DeviceId::Cpu)),
            ("cuda", DeviceChoice::Only(DeviceId::Cuda(0))),
            ("cuda:3", DeviceChoice::Only(DeviceId::Cuda(3))),
            ("cpu,cpu", DeviceChoice::Several(vec![DeviceId::Cpu; 2])),
            (
                "cuda:2,cuda:0",
                DeviceChoice::Several(vec![DeviceId::Cuda(2), DeviceId::Cuda(0)]),
            ),
        ] {
            assert_eq!(choice.to_string(), if text == "cuda" { "cuda:0" } else { text });
            assert_eq!(text.parse(), Ok(choice));
        }
        for (bad, why) in [
            ("cpu,cuda:0", "names devices of two kinds"),
            ("cuda:1,cuda:1", "names cuda:1 twice"),
        ] {
            let error = bad.parse::<DeviceChoice>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        for bad in [
            "", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:+1", "CPU", "cpu,", "auto,cpu",
        ] {
            let error = bad.parse::<DeviceChoice>().unwrap_err().to_string();
            assert_eq!(
                error,
                format!("`{bad}` is not a device; expected auto, cpu, cuda, cuda:N or several such as cuda:0,cuda:1")
            );
        }
    }

    #[test]
    fn auto_is_the_cpu_where_nothing_else_is() {
        let open = DeviceChoice::Auto.open().unwrap();
        assert_eq!((open.id == DeviceId::Cpu), open.fallback.is_some());
        let small = config(Family::Llama);
        let huge = ModelConfig {
            layers: 1,
            intermediate: 1 << 50,
            ..small.clone()
        };
        let auto = |config: &ModelConfig, half| DtypeChoice::Auto.on(&Device::Cpu, config, half);
        assert_eq!([auto(&small, true), auto(&huge, false)], [Dtype::F32; 2]);
        if memory::total(&Device::Cpu).is_some() {
            assert_eq!(auto(&huge, true), Dtype::Bf16);
        }
        assert_eq!(DtypeChoice::Bf16.on(&Device::Cpu, &small, false), Dtype::Bf16);
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
        let error = DeviceChoice::Only(DeviceId::Cuda(1)).open().unwrap_err();
        assert!(error.to_string().contains("cuda:1"));
        assert!(error.hint().unwrap().contains("--features cuda"));
    }
}
