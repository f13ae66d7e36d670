//! Devices by name: which one, or that the fastest is to be taken.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One device of this machine, written as `cpu` or `cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceId {
    /// The CPU.
    Cpu,
    /// The GPU of this number.
    Cuda(usize),
}

/// A device as `--device` names it: `auto`, `cpu`, `cuda` (the first GPU), `cuda:N`, or several of one kind with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum DeviceChoice {
    /// The first GPU where there is one, otherwise the CPU.
    #[default]
    Auto,
    /// This one.
    Only(DeviceId),
    /// The layers spread over these, in this order.
    Several(Vec<DeviceId>),
}

/// A text that names no device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownDevice {
    /// None that there could be.
    #[error("`{given}` is not a device; expected auto, cpu, cuda, cuda:N or several such as cuda:0,cuda:1")]
    Name {
        /// As given.
        given: String,
    },
    /// Devices whose numbers differ.
    #[error("`{given}` names devices of two kinds; layers can be spread over several of one kind")]
    Kinds {
        /// As given.
        given: String,
    },
    /// One GPU twice.
    #[error("`{given}` names {device} twice")]
    Twice {
        /// As given.
        given: String,
        /// The device.
        device: DeviceId,
    },
}

impl FromStr for DeviceId {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        let unknown = || UnknownDevice::Name { given: text.to_owned() };
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", number)) if !number.starts_with('+') => number.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            several if several.contains(',') => Self::several(several),
            other => other.parse().map(Self::Only),
        }
    }
}

impl DeviceChoice {
    fn several(text: &str) -> Result<Self, UnknownDevice> {
        let given = || text.to_owned();
        let named: Result<Vec<DeviceId>, UnknownDevice> = text.split(',').map(str::parse).collect();
        let named = named.map_err(|_| UnknownDevice::Name { given: given() })?;
        if named.windows(2).any(|pair| pair[0].kind() != pair[1].kind()) {
            return Err(UnknownDevice::Kinds { given: given() });
        }
        let twice = |at: &usize| named[*at] != DeviceId::Cpu && named[..*at].contains(&named[*at]);
        match (0..named.len()).find(twice) {
            Some(at) => Err(UnknownDevice::Twice {
                given: given(),
                device: named[at],
            }),
            None => Ok(Self::Several(named)),
        }
    }
}

impl DeviceId {
    /// The first device of this one's kind. What is computed does not depend on which of several GPUs of a machine computes
    /// it, so records name this one.
    pub(crate) fn first_of_its_kind(self) -> Self {
        match self {
            Self::Cpu => Self::Cpu,
            Self::Cuda(_) => Self::Cuda(0),
        }
    }

    /// Its kind for people.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda(_) => "cuda",
        }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => out.write_str("cpu"),
            Self::Cuda(number) => write!(out, "cuda:{number}"),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => out.write_str("auto"),
            Self::Only(device) => device.fmt(out),
            Self::Several(devices) => {
                let names: Vec<String> = devices.iter().map(DeviceId::to_string).collect();
                out.write_str(&names.join(","))
            }
        }
    }
}

impl From<DeviceId> for String {
    fn from(device: DeviceId) -> Self {
        device.to_string()
    }
}

impl From<DeviceChoice> for String {
    fn from(device: DeviceChoice) -> Self {
        device.to_string()
    }
}

impl TryFrom<String> for DeviceId {
    type Error = UnknownDevice;

    fn try_from(text: String) -> Result<Self, UnknownDevice> {
        text.parse()
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = UnknownDevice;

    fn try_from(text: String) -> Result<Self, UnknownDevice> {
        text.parse()
    }
}
