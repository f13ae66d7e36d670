//! Rows of a tensor by number: the one place that asks candle for them.

use candle_core::{Result, Tensor, bail};

/// The rows `ids` of `table`, `(rows, ...)`, in their order: `(ids, ...)`, on the table's device.
///
/// # Errors
/// No ids, on every device: a GPU refuses to launch a kernel over nothing (candle 0.11 launches it all the same,
/// huggingface/candle#2673), and a CPU must not hide that.
pub fn pick(table: &Tensor, ids: &[u32]) -> Result<Tensor> {
    pick_by(table, &Tensor::new(ids, table.device())?)
}

/// [`pick`] by ids that are on the device already, `(ids)`.
///
/// # Errors
/// As there.
#[expect(clippy::disallowed_methods)]
pub fn pick_by(table: &Tensor, ids: &Tensor) -> Result<Tensor> {
    if ids.elem_count() == 0 {
        bail!(
            "none of the rows of {:?} was asked for: a GPU cannot pick nothing",
            table.dims()
        );
    }
    table.contiguous()?.index_select(ids, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn rows_come_in_the_order_asked_for_and_nothing_is_no_row() {
        let table = Tensor::arange(0u32, 6, &Device::Cpu).unwrap().reshape((2, 3)).unwrap();
        let across = table.t().unwrap();
        assert_eq!(
            pick(&across, &[2, 0, 2]).unwrap().to_vec2::<u32>().unwrap(),
            [[2, 5], [0, 3], [2, 5]]
        );
        assert!(pick(&table, &[]).is_err());
    }
}
