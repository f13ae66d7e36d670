//! Whether numbers are numbers at all: a NaN in one weight makes every score a NaN, hours later.

use rayon::prelude::*;

/// Bytes looked at by one task. A multiple of every number's size.
const STRETCH: usize = 1 << 18;
/// Numbers or blocks that are looked at together before it is asked which of them is none.
const TOGETHER: usize = 256;

/// What bytes hold, little-endian.
#[derive(Debug, Clone, Copy)]
pub enum Floats<'a> {
    /// f16.
    F16,
    /// bf16.
    Bf16,
    /// f32.
    F32,
    /// f64.
    F64,
    /// Blocks of so many bytes, with f16 at these places.
    BlocksWithF16(usize, &'a [usize]),
    /// Blocks of so many bytes that begin with f32.
    BlocksWithF32(usize),
    /// Blocks of so many bytes that begin with an exponent of eight bits, whose last value is no number.
    BlocksWithExponent(usize),
}

/// Position of the first number, or block, that is NaN or infinite or holds such a number.
pub fn first_not_finite(floats: Floats<'_>, bytes: &[u8]) -> Option<usize> {
    let half = |at: &[u8]| u16::from_le_bytes([at[0], at[1]]);
    let single = |at: &[u8]| u32::from_le_bytes([at[0], at[1], at[2], at[3]]) & 0x7f80_0000 != 0x7f80_0000;
    match floats {
        Floats::F16 => scan(bytes, 2, |at| half(at) & 0x7c00 != 0x7c00),
        Floats::Bf16 => scan(bytes, 2, |at| half(at) & 0x7f80 != 0x7f80),
        Floats::F32 => scan(bytes, 4, single),
        Floats::F64 => scan(bytes, 8, |at| half(&at[6..]) & 0x7ff0 != 0x7ff0),
        Floats::BlocksWithF16(size, places) => scan(bytes, size, |block| {
            places.iter().all(|&at| half(&block[at..]) & 0x7c00 != 0x7c00)
        }),
        Floats::BlocksWithF32(size) => scan(bytes, size, single),
        Floats::BlocksWithExponent(size) => scan(bytes, size, |block| block[0] != u8::MAX),
    }
}

fn scan(bytes: &[u8], size: usize, finite: impl Fn(&[u8]) -> bool + Sync) -> Option<usize> {
    let elements = (STRETCH / size).max(1);
    let stretches = bytes.par_chunks(elements * size).enumerate();
    stretches.find_map_first(|(stretch, part)| {
        let mut groups = part.chunks(TOGETHER * size).enumerate();
        groups.find_map(|(group, some)| {
            // All of them, so that the processor looks at many at a time.
            let all = some.chunks_exact(size).fold(true, |all, element| all & finite(element));
            let bad = some.chunks_exact(size).position(|element| !all && !finite(element))?;
            Some(stretch * elements + group * TOGETHER + bad)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_them_is_found_wherever_it_stands() {
        let numbers = 3 * STRETCH / 4 + 5;
        for at in [0, 255, 256, 70_000, numbers - 1] {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = vec![1.5f32; numbers];
                values[at] = bad;
                *values.last_mut().unwrap() = if at == numbers - 1 { bad } else { f32::NAN };
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                assert_eq!(first_not_finite(Floats::F32, &bytes), Some(at));
            }
        }
        let largest: Vec<u8> = [f32::MAX, f32::MIN, f32::MIN_POSITIVE, 0.0, 1e-45]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert_eq!(first_not_finite(Floats::F32, &largest), None);
    }

    #[test]
    fn every_kind_of_number_and_block_is_read_at_its_places() {
        let f16 = |value: f32| half::f16::from_f32(value).to_le_bytes();
        let bf16 = |value: f32| half::bf16::from_f32(value).to_le_bytes();
        for bad in [f32::NAN, f32::INFINITY] {
            assert_eq!(first_not_finite(Floats::F16, &[f16(1.0), f16(bad)].concat()), Some(1));
            assert_eq!(
                first_not_finite(Floats::Bf16, &[bf16(1.0), bf16(bad)].concat()),
                Some(1)
            );
            let doubles = [1.0, f64::MAX, f64::from(bad)].map(f64::to_le_bytes).concat();
            assert_eq!(first_not_finite(Floats::F64, &doubles), Some(2));
            let block = |scale: f32| [[0xff; 3].as_slice(), &f16(scale), &[0xff]].concat();
            let blocks = [block(1.0), block(bad)].concat();
            assert_eq!(first_not_finite(Floats::BlocksWithF16(6, &[3]), &blocks), Some(1));
        }
        assert_eq!(
            first_not_finite(Floats::F16, &[f16(65504.0), f16(-65504.0)].concat()),
            None
        );
        assert_eq!(
            first_not_finite(Floats::Bf16, &[bf16(3e38), bf16(-3e38)].concat()),
            None
        );
        let blocks = [1.0f32.to_le_bytes(), f32::NAN.to_le_bytes()].concat();
        assert_eq!(first_not_finite(Floats::BlocksWithF32(4), &blocks), Some(1));
        assert_eq!(
            first_not_finite(Floats::BlocksWithExponent(2), &[254, 255, 255, 0]),
            Some(1)
        );
    }
}
