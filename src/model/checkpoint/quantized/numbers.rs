//! What bits, bytes and codes stand for.

use half::{bf16, f16};
use safetensors::Dtype;

use super::layout::ByteKind;

/// bitsandbytes' codes (`functional.py`), by their numbers.
pub(super) const NF4: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];
pub(super) const FP4: [f32; 16] = [
    0.0,
    0.005_208_333_4,
    0.666_666_7,
    1.0,
    0.333_333_34,
    0.5,
    0.166_666_67,
    0.25,
    0.0,
    -0.005_208_333_4,
    -0.666_666_7,
    -1.0,
    -0.333_333_34,
    -0.5,
    -0.166_666_67,
    -0.25,
];
/// The numbers of four bits with two of exponent and one of mantissa, by their bits.
pub(super) const E2M1: [f32; 16] = [
    0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, -0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0,
];

/// Little-endian words of 32 bits.
pub(super) fn words(bytes: &[u8]) -> Vec<u32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_le_bytes(*word))
        .collect()
}

/// Numbers as f32; a byte is an exponent.
pub(super) fn floats(kind: Dtype, bytes: &[u8]) -> std::result::Result<Vec<f32>, String> {
    let halves = || bytes.as_chunks::<2>().0.iter();
    match kind {
        Dtype::F32 => Ok(words(bytes).into_iter().map(f32::from_bits).collect()),
        Dtype::F16 => Ok(halves().map(|half| f16::from_le_bytes(*half).to_f32()).collect()),
        Dtype::BF16 => Ok(halves().map(|half| bf16::from_le_bytes(*half).to_f32()).collect()),
        Dtype::U8 | Dtype::F8_E8M0 => Ok(bytes.iter().map(|&byte| power(byte)).collect()),
        other => Err(format!("has scales of {other:?}, which are not read")),
    }
}

/// Two to the power of an exponent that 127 is taken off from.
pub(super) fn power(byte: u8) -> f32 {
    match byte {
        0 => f32::from_bits(1 << 22),
        _ => f32::from_bits(u32::from(byte) << 23),
    }
}

/// What each byte stands for.
pub(super) fn byte_table(kind: ByteKind) -> [f32; 256] {
    let float = |byte: u8, mantissa: i32, bias: i32| {
        let (sign, bits) = (if byte > 127 { -1. } else { 1. }, i32::from(byte & 127));
        let (exponent, fraction) = (bits >> mantissa, bits & ((1 << mantissa) - 1));
        let size = match exponent {
            0 => fraction as f32 * ((1 - bias - mantissa) as f32).exp2(),
            _ => (fraction + (1 << mantissa)) as f32 * ((exponent - bias - mantissa) as f32).exp2(),
        };
        sign * size
    };
    std::array::from_fn(|byte| {
        let byte = byte as u8;
        match kind {
            // There is no infinity, and one NaN of each sign.
            ByteKind::E4m3 if byte & 127 == 127 => f32::NAN,
            ByteKind::E4m3 => float(byte, 3, 7),
            ByteKind::E5m2 if byte & 127 >= 0x7c => f32::NAN,
            ByteKind::E5m2 => float(byte, 2, 15),
            ByteKind::Int8 => f32::from(byte as i8),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_for_what_the_ocp_formats_say() {
        let (e4m3, e5m2) = (byte_table(ByteKind::E4m3), byte_table(ByteKind::E5m2));
        for (byte, value) in [
            (0x00, 0.),
            (0x01, 2f32.powi(-9)),
            (0x08, 2f32.powi(-6)),
            (0x38, 1.),
            (0x7e, 448.),
            (0xfe, -448.),
        ] {
            assert_eq!(e4m3[byte], value, "{byte:x}");
        }
        for (byte, value) in [
            (0x01, 2f32.powi(-16)),
            (0x04, 2f32.powi(-14)),
            (0x3c, 1.),
            (0x7b, 57344.),
            (0xfb, -57344.),
        ] {
            assert_eq!(e5m2[byte], value, "{byte:x}");
        }
        assert!(e4m3[0x7f].is_nan() && e4m3[0xff].is_nan() && e5m2[0x7c].is_nan());
        assert_eq!(byte_table(ByteKind::Int8)[0x80], -128.);
    }
}
