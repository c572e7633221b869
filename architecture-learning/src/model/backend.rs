//! Where tensors live. The only place that names a backend of burn: ndarray always, CUDA where the build has it, and a
//! probe before, as the CUDA backend panics without a driver, a device, NVRTC or headers.

use burn::backend::Autodiff;
use serde::{Deserialize, Serialize};

use crate::LearningError;

pub(super) type Cpu = burn_ndarray::NdArray<f32>;
pub(super) type CpuTraining = Autodiff<Cpu>;
#[cfg(feature = "cuda")]
pub(super) type Cuda = burn_cuda::Cuda<f32, i32>;
#[cfg(feature = "cuda")]
pub(super) type CudaTraining = Autodiff<Cuda>;

/// What a person asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// CUDA where the probe succeeds, else the CPU, with the reason.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// CUDA or an error; never anything else.
    Cuda,
}

/// Where training runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Device {
    /// The CPU, and why where it stands in for a GPU.
    Cpu {
        /// What the probe for CUDA found; none where the CPU was asked for.
        stand_in: Option<String>,
    },
    /// A CUDA device.
    Cuda {
        /// Its number.
        index: usize,
    },
}

impl DeviceChoice {
    /// The device to use.
    ///
    /// # Errors
    /// [`LearningError::NoDevice`] when CUDA was asked for and the probe fails.
    pub fn resolve(self) -> Result<Device, LearningError> {
        match (self, probe_cuda()) {
            (Self::Cpu, _) => Ok(Device::Cpu { stand_in: None }),
            (_, Ok(_)) => Ok(Device::Cuda { index: 0 }),
            (Self::Auto, Err(reason)) => Ok(Device::Cpu { stand_in: Some(reason) }),
            (Self::Cuda, Err(reason)) => Err(LearningError::NoDevice { reason }),
        }
    }
}

impl Device {
    /// The name in JSON and on the terminal.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu { .. } => "cpu".to_owned(),
            Self::Cuda { index } => format!("cuda:{index}"),
        }
    }
}

/// How many CUDA devices can be used, or why none.
///
/// # Errors
/// The reason, ready to print.
#[cfg(not(feature = "cuda"))]
pub fn probe_cuda() -> Result<usize, String> {
    Err("this build has no CUDA; build with `--features cuda`".to_owned())
}

/// How many CUDA devices can be used, or why none.
///
/// # Errors
/// The reason, ready to print.
#[cfg(feature = "cuda")]
pub fn probe_cuda() -> Result<usize, String> {
    cuda::probe()
}

#[cfg(feature = "cuda")]
mod cuda {
    use std::path::PathBuf;

    /// Looks at files first: asking the driver's library panics where it is not there.
    pub(super) fn probe() -> Result<usize, String> {
        if !libraries().iter().any(|dir| has(dir, "libcuda.so")) && !cfg!(windows) {
            return Err("no NVIDIA driver (libcuda.so) on this machine".to_owned());
        }
        let count = std::panic::catch_unwind(cudarc::driver::CudaContext::device_count)
            .map_err(|_| "the NVIDIA driver cannot be loaded".to_owned())?
            .map_err(|e| format!("the NVIDIA driver answers {e:?}"))?;
        if count < 1 {
            return Err("the NVIDIA driver finds no GPU".to_owned());
        }
        let roots = toolkits();
        if !roots.iter().any(|dir| dir.join("include/cuda_runtime.h").is_file()) {
            return Err("no CUDA headers in CUDA_PATH or /usr/local/cuda".to_owned());
        }
        let places = roots.iter().flat_map(|r| [r.join("lib64"), r.join("lib"), r.join("bin")]);
        if !places.chain(libraries()).any(|dir| has(&dir, "libnvrtc.so")) && !cfg!(windows) {
            return Err("no NVRTC (libnvrtc.so) in CUDA_PATH or /usr/local/cuda".to_owned());
        }
        usize::try_from(count).map_err(|e| e.to_string())
    }

    fn toolkits() -> Vec<PathBuf> {
        let named =
            ["CUDA_PATH", "CUDA_HOME", "CUDA_ROOT"].into_iter().filter_map(std::env::var_os);
        named
            .map(PathBuf::from)
            .chain([PathBuf::from("/usr/local/cuda"), PathBuf::from("/usr")])
            .collect()
    }

    fn libraries() -> Vec<PathBuf> {
        let given = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let usual = [
            "/usr/lib/x86_64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/usr/lib64",
            "/usr/lib",
            "/lib64",
            "/usr/local/cuda/lib64",
            "/usr/local/nvidia/lib64",
            "/usr/local/nvidia/lib",
            "/usr/lib/wsl/lib",
            "/run/opengl-driver/lib",
        ];
        std::env::split_paths(&given).chain(usual.into_iter().map(PathBuf::from)).collect()
    }

    fn has(directory: &std::path::Path, library: &str) -> bool {
        let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
        entries.into_iter().any(|e| e.file_name().to_string_lossy().starts_with(library))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_auto_falls_back_and_it_says_why() {
        assert_eq!(DeviceChoice::Cpu.resolve().ok(), Some(Device::Cpu { stand_in: None }));
        match probe_cuda() {
            Ok(_) => assert_eq!(DeviceChoice::Auto.resolve().ok(), Some(Device::Cuda { index: 0 })),
            Err(reason) => {
                assert_eq!(
                    DeviceChoice::Auto.resolve().ok(),
                    Some(Device::Cpu { stand_in: Some(reason) })
                );
                assert!(matches!(
                    DeviceChoice::Cuda.resolve(),
                    Err(LearningError::NoDevice { .. })
                ));
            }
        }
    }
}
