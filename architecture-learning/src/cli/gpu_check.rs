//! `archlearn gpu-check`: does the GPU train, and does it answer as the CPU does?

use architecture_learning::model::parity::{DIFFERENCE_MAX, compare};
use architecture_learning::model::{Device, probe_cuda};
use architecture_learning::{DataDir, LearningError};

pub(super) fn gpu_check(data: &DataDir) -> Result<(), LearningError> {
    if let Err(reason) = probe_cuda() {
        super::print(&format!("skipped: no GPU ({reason})\n"));
        return Ok(());
    }
    let directory = data.root().join(format!("gpu-check-{}", std::process::id()));
    let parity = compare(&Device::Cuda { index: 0 }, &directory);
    let _ = std::fs::remove_dir_all(&directory);
    let parity = parity?;
    super::print(&format!(
        "{}: {} epochs in {:.2} s, on the cpu {:.2} s\nlogits of equal weights differ by at most {:.2e} (allowed {DIFFERENCE_MAX:.0e})\n",
        parity.device, parity.epochs, parity.device_seconds, parity.cpu_seconds, parity.difference
    ));
    if parity.difference > DIFFERENCE_MAX {
        let reason = format!("its logits differ from the CPU's by {}", parity.difference);
        return Err(LearningError::NoDevice { reason });
    }
    Ok(())
}
